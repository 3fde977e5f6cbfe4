"""Who may open a socket: counts, origins, protocols; and what a number of descriptors allows."""

import resource
from typing import Any
from unittest.mock import MagicMock

import pytest
from aiohttp import HttpVersion10, StreamReader
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from edge.admission import Admission, sockets_max
from engine.errors import Busy, Draining, Forbidden, HotHourError, RuleBroken
from engine.settings import Settings

UPGRADE = {
    "Host": "shop.example",
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Version": "13",
}


def door(**limits: int | None) -> Admission:
    return Admission(
        origins=["https://app.example/"],
        most=limits.get("most") or 3,
        most_an_address=limits.get("most_an_address"),
    )


def refusal(**headers: str) -> type[HotHourError] | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = make_mocked_request("GET", "/ws", headers={**UPGRADE, **named})
    try:
        door().check(request)
    except HotHourError as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Upgrade": "WebSocket"}, None),
        ({"Upgrade": "h2c"}, RuleBroken),
        ({"Connection": "close"}, RuleBroken),
        ({"Sec_WebSocket_Protocol": "hothour.v1"}, None),
        ({"Sec_WebSocket_Protocol": "a, hothour.v1 ,b"}, None),
        ({"Sec_WebSocket_Protocol": "hothour.v2"}, RuleBroken),
        ({"Sec_WebSocket_Protocol": ""}, RuleBroken),
        ({"Origin": "https://shop.example"}, None),
        ({"Origin": "http://SHOP.example"}, None),
        ({"Origin": "https://shop.example:8443"}, Forbidden),
        ({"Origin": "https://app.example"}, None),
        ({"Origin": "http://app.example"}, Forbidden),
        ({"Origin": "https://shop.example.evil.example"}, Forbidden),
        ({"Origin": "null"}, Forbidden),
        ({"Origin": ""}, Forbidden),
        ({"Origin": "http://["}, Forbidden),
        ({"Sec_WebSocket_Version": "8"}, RuleBroken),
        ({"Sec_WebSocket_Version": ""}, RuleBroken),
    ],
)
def test_an_upgrade_is_judged_by_its_headers(
    headers: dict[str, str], expected: type[HotHourError] | None
) -> None:
    assert refusal(**headers) is expected


def test_of_several_origins_each_has_to_be_allowed() -> None:
    ours, theirs = "https://shop.example", "https://evil.example"
    for origins in ([ours, theirs], [theirs, ours]):
        headers = CIMultiDict([*UPGRADE.items(), *(("Origin", each) for each in origins)])
        with pytest.raises(Forbidden):
            door().check(make_mocked_request("GET", "/ws", headers=headers))


def test_only_get_upgrades_and_not_in_old_versions() -> None:
    with pytest.raises(RuleBroken):
        door().check(make_mocked_request("HEAD", "/ws", headers=UPGRADE))
    with pytest.raises(RuleBroken):
        door().check(make_mocked_request("GET", "/ws", headers=UPGRADE, version=HttpVersion10))


def test_an_upgrade_has_no_body() -> None:
    body: Any = StreamReader(MagicMock(), 1)
    with pytest.raises(RuleBroken):
        door().check(make_mocked_request("GET", "/ws", headers=UPGRADE, payload=body))


def test_a_refused_form_is_a_400_and_says_what_is_spoken_here() -> None:
    request = make_mocked_request(
        "GET", "/ws", headers={**UPGRADE, "Sec-WebSocket-Protocol": "hothour.v9"}
    )
    with pytest.raises(RuleBroken, match=r"hothour\.v1") as caught:
        door().check(request)
    assert [error.code for error in caught.value.errors] == ["VALIDATION"]


def test_places_are_counted_and_given_back() -> None:
    admission = door(most=2)
    admission.enter("a")
    admission.enter("b")
    with pytest.raises(Busy):
        admission.enter("c")
    admission.leave("a")
    admission.enter("c")
    assert admission.entered == 2


def test_an_address_has_its_own_count() -> None:
    admission = door(most=9, most_an_address=1)
    admission.enter("a")
    with pytest.raises(Busy):
        admission.enter("a")
    admission.enter("b")
    admission.leave("a")
    admission.enter("a")


def test_what_is_refused_takes_no_place() -> None:
    admission = door(most=1)
    admission.enter("a")
    for _ in range(5):
        with pytest.raises(Busy):
            admission.enter("b")
    admission.leave("a")
    assert admission.entered == 0
    assert admission._by_address == {}


def test_a_shut_door_says_draining() -> None:
    admission = door()
    admission.shut()
    with pytest.raises(Draining):
        admission.enter("a")


def test_descriptors_bound_the_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def limit(soft: int) -> None:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))

    limit(1_024)
    assert sockets_max(Settings()) == 768
    limit(1_000_000)
    assert sockets_max(Settings()) == 25_000
    limit(resource.RLIM_INFINITY)
    assert sockets_max(Settings(live_sockets_max=7)) == 7
    limit(64)
    assert sockets_max(Settings()) == 1
