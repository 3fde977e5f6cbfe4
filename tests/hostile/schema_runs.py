"""Runs schemathesis over the served document against a running server, as one role, and counts.

All checks are on but one: that every body which fits its schema is accepted. The rules of the
product (a floor below the start, an end ahead) are no part of a JSON schema.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from schemathesis.config import (
    CacheConfig,
    OperationConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation import GenerationMode
from schemathesis.generation.case import Case
from schemathesis.schemas import BaseSchema

from tests.hostile.schema_bodies import Form, forms
from tests.hostile.schema_goods import Goods, body_of, path_of, query_of

EVERYBODY = "whoever may"
"""Not a role: each operation is called by somebody who may call it."""
TIMEOUT_S = 30
FAILURES_SHOWN = 20
CALLERS = {
    "POST /auctions": "platform_admin",  # who alone may name a studio
    "POST /reservations/book": "customer",
    "GET /reservations/my/all": "customer",
    "DELETE /reservations/{reservation_id}": "customer",
    "GET /reservations/{reservation_id}/calendar.ics": "customer",
    "GET /reservations/{reservation_id}/qr.svg": "customer",
}
"""Who may, where it is not a studio_admin."""
_GIVEN_BACK = {
    # To delete a reservation is to give the seat back: its guest goes on seeing it, as CANCELLED.
    "include-path-regex": "^/reservations/",
    "checks": {"use_after_free": {"enabled": False}},
}
_NOT_CHECKED = ["positive_data_acceptance", "object_level_authorization", "max_response_time"]


@dataclass(slots=True)
class Tally:
    """What came of the cases."""

    by_role: dict[str, Counter[str]] = field(default_factory=dict)
    """Role -> status class -> cases."""
    by_operation: dict[str, Counter[str]] = field(default_factory=dict)
    by_phase: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    """Check -> how often it was made."""
    failures: dict[str, str] = field(default_factory=dict)
    """What, where -> how to see it, once each."""
    failed: Counter[str] = field(default_factory=Counter)
    """Check -> how often it did not hold."""
    errors: list[str] = field(default_factory=list)
    """What schemathesis itself could not do."""
    links: int = 0
    """Stateful steps that used what an earlier answer held."""

    @property
    def cases(self) -> int:
        return sum(self.by_phase.values())

    @property
    def server_errors(self) -> int:
        return sum(counts["5xx"] for counts in self.by_role.values())

    @property
    def never_answered_well(self) -> set[str]:
        """Operations without a single 2xx."""
        return {name for name, counts in self.by_operation.items() if not counts["2xx"]}

    def report(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "cases": self.cases,
            "server_errors": self.server_errors,
            "drift": sum(self.failed.values()),
            "by_role": {role: dict(counts) for role, counts in self.by_role.items()},
            "by_operation": {name: dict(c) for name, c in sorted(self.by_operation.items())},
            "by_phase": dict(self.by_phase),
            "checks": dict(self.checks),
            "linked_steps": self.links,
            "failures": self.failures,
            "errors": self.errors,
        }

    def take(self, role: str, phase: str, recorder: ScenarioRecorder) -> None:
        """Count one scenario."""
        for case_id, interaction in recorder.interactions.items():
            status = interaction.response.status_code if interaction.response else 0
            of = f"{status // 100}xx" if status != 429 else "429"
            node = recorder.cases.get(case_id)
            label = node.value.operation.label if node else recorder.label
            self.by_role.setdefault(role, Counter())[of] += 1
            self.by_operation.setdefault(label, Counter())[of] += 1
            self.by_phase[phase] += 1
            self.links += bool(node and node.is_transition_applied)
        for case_id, made in recorder.checks.items():
            for check in made:
                self.checks[check.name] += 1
                if check.failure_info is not None:
                    self._fail(role, case_id, recorder, check.name, check.failure_info)

    def _fail(
        self, role: str, case_id: str, recorder: ScenarioRecorder, check: str, found: Any
    ) -> None:
        self.failed[check] += 1
        node = recorder.cases.get(case_id)
        where = node.value.operation.label if node else recorder.label
        interaction = recorder.interactions.get(case_id)
        response = interaction.response if interaction else None
        answer = f"{response.status_code} {response.content!r}" if response else "no answer"
        what = f"{check}: {where} by {role}: {found.failure.title}"
        self.failures.setdefault(what, f"{found.failure.message}\n{found.code_sample}\n{answer}")


def run(
    url: str, goods: Goods, role: str, seed: int, *, phases: list[str], examples: int, into: Tally
) -> None:
    """All operations as one role, or as whoever may (EVERYBODY)."""
    schema = _schema(url, goods, role, seed, phases, examples)
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            into.take(role, event.phase.value, event.recorder)
        elif isinstance(event, events.NonFatalError):
            into.errors.append(f"{role}: {event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            into.errors.append(f"{role}: {event.exception!r}")


def _schema(
    url: str, goods: Goods, role: str, seed: int, phases: list[str], examples: int
) -> BaseSchema:
    own = CALLERS if role == EVERYBODY else {}
    by = "studio_admin" if role == EVERYBODY else role
    project = ProjectConfig(
        base_url=f"{url}/api/v1",
        headers=None if by == "anonymous" else _bearer(goods, by),
        request_timeout=TIMEOUT_S,
        continue_on_failure=True,
    )
    project.operations.operations.append(OperationConfig.from_dict(_GIVEN_BACK))
    for operation, caller in own.items():
        given = {"include-name": operation, "headers": _bearer(goods, caller)}
        project.operations.operations.append(OperationConfig.from_dict(given))
    # Failures are reported as they were found: to shrink them takes longer than to read them.
    project.generation.update(modes=list(GenerationMode), max_examples=examples, no_shrink=True)
    project.generation.with_security_parameters = False
    project.generation.database = "none"
    project.phases.update(phases=phases)
    project.checks.update(excluded_check_names=_NOT_CHECKED)
    config = SchemathesisConfig(
        seed=seed,
        cache=CacheConfig(enabled=False),  # one run knows nothing of another
        projects=ProjectsConfig(default=project),
    )
    document = requests.get(f"{url}/api/v1/openapi.json", timeout=TIMEOUT_S).json()
    schema = schemathesis.openapi.from_dict(document, config=config)

    of_body = forms(document)
    seen: Counter[tuple[str, bool]] = Counter()

    def map_case(_: Any, case: Case[Any]) -> Case[Any]:
        """Every other request, and the first, is given what makes it succeed; one with a wrong
        body, all but what is wrong."""
        meta = case.meta
        if meta is None:
            return case
        valid = meta.generation.mode is GenerationMode.POSITIVE
        number = seen[case.operation.label, valid]
        seen[case.operation.label, valid] += 1
        if number % 2:
            return case
        caller = own.get(f"{case.method} {case.path}", by)
        if valid:
            _make_sound(case, goods, caller, number // 2)
        elif meta.is_negative_at(ParameterLocation.BODY):
            _isolate(case, goods, caller, of_body[f"{case.method} {case.path}"])
        return case

    schema.hook(map_case)
    return schema


def _bearer(goods: Goods, role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {goods.tokens[role]}"}


def _isolate(case: Case[Any], goods: Goods, role: str, form: Form) -> None:
    operation = f"{case.method} {case.path}"
    sound = body_of(goods, operation, role)
    if sound is None or not isinstance(case.body, dict):
        return
    body = form.only_wrong(case.body, sound)
    if body is not None:
        case.body = body


def _make_sound(case: Case[Any], goods: Goods, role: str, number: int) -> None:
    operation = f"{case.method} {case.path}"
    values = path_of(goods, operation, number)
    for name in re.findall(r"{(\w+)}", case.path):
        case.path_parameters[name] = values[name]
    body = body_of(goods, operation, role)
    if body is not None:
        case.body = body
    case.query = query_of(goods, operation, role, dict(case.query or {}))
    case.headers.pop("If-Match", None)
    if case.method == "GET" and number % 3 == 1:
        case.headers["If-None-Match"] = "*"
