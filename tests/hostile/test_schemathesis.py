"""What the server does is what its document says, whatever is sent, whoever sends it."""

from pathlib import Path

import pytest

from edge.app import document
from tests.e2e.program import serving
from tests.edge.premises import open_premises
from tests.hostile.schema_bodies import forms
from tests.hostile.schema_cases import GATE, SETTINGS, judged, one_round
from tests.hostile.schema_goods import ROLES
from tests.hostile.schema_runs import EVERYBODY, Tally

SEED = 20_260_301
CASES_MIN = 1_000
CHECKS = {
    "allow_header_conformance",
    "content_type_conformance",
    "ensure_resource_availability",
    "ignored_auth",
    "missing_required_header",
    "negative_data_rejection",
    "not_a_server_error",
    "response_headers_conformance",
    "response_schema_conformance",
    "status_code_conformance",
    "unsupported_method",
    "use_after_free",
}


async def test_the_document_is_true(tmp_path: Path, database: str) -> None:
    settings = {**SETTINGS, "HOTHOUR_DATABASE_URL": database}
    tally = Tally()
    async with serving(tmp_path, **settings) as server, open_premises(database, SEED) as premises:
        await one_round(premises, server.url, SEED, GATE, tally)
        assert server.process.returncode is None, "the server is gone"
        log = server.log
    assert not tally.failures, "\n\n".join(f"{what}\n{how}" for what, how in tally.failures.items())
    assert "Traceback" not in log
    assert "request failed" not in log
    verdict, said = judged(tally, CASES_MIN)
    assert verdict == 0, said
    operations = sum(len(methods) for methods in document()["paths"].values())
    assert len(tally.by_operation) == operations, "INCONCLUSIVE: operations were left out"
    assert set(tally.by_role) == {*ROLES, EVERYBODY}
    assert tally.checks.keys() >= CHECKS, "INCONCLUSIVE: checks were left out"
    limited = sum(counts["429"] for counts in tally.by_role.values())
    assert limited < tally.cases / 20, f"INCONCLUSIVE: {limited} were told to wait"


def test_of_a_wrong_body_only_what_is_wrong_is_kept() -> None:
    form = forms(document())["POST /reservations/book"]
    sound = {"auction_id": 7, "max_price": "20.00"}
    assert form.only_wrong({"auction_id": 9}, sound) is None
    assert form.only_wrong({"auction_id": 9, "user_id": "5"}, sound) == sound | {"user_id": "5"}
    assert form.only_wrong({"auction_id": 9, "colour": 1}, sound) == sound | {"colour": 1}
    assert form.only_wrong({"max_price": 1}, sound) == {"max_price": "20.00"}


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ({"2xx": 1}, 0),
        ({"4xx": 1}, 2),
        ({"2xx": 1, "5xx": 1}, 1),
    ],
)
def test_a_run_is_judged_by_what_happened(of: dict[str, int], expected: int) -> None:
    tally = Tally()
    tally.links = 1
    for counts in (tally.by_role, tally.by_operation):
        counts.setdefault("x", type(tally.by_phase)()).update(of)
    tally.by_phase["fuzzing"] = sum(of.values())
    code, said = judged(tally, 1)
    assert code == expected
    assert ("INCONCLUSIVE" in said) == (expected == 2)
