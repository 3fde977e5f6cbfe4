"""Five thousand messages nobody should send; and proof that the fuzz would notice."""

import os
from collections.abc import Mapping
from typing import Any

import pytest

from edge.conversation import Conversation
from edge.hub import Hub
from edge.live_acts import Acts
from edge.sessions import Sessions
from edge.wire.live import Malformed
from engine.domain.messages import Book
from engine.errors import HotHourError, Invalid
from tests.hostile.live_fuzz import Broken, Tally, fuzz

MESSAGES = int(os.environ.get("FUZZ_MESSAGES", "5000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))


async def test_nothing_said_on_a_socket_breaks_an_invariant() -> None:
    tally = await fuzz(MESSAGES, SEED)
    assert tally.messages >= MESSAGES
    assert tally.inconclusive() == [], f"INCONCLUSIVE\n{tally.told()}"


def test_a_run_in_which_nothing_happened_proves_nothing() -> None:
    few = Tally(conversations=1, messages=1).inconclusive()
    assert {"book", "ping", "VALIDATION", "4000"} <= set(few)


async def test_an_answer_said_twice_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    say = Conversation.say

    def twice(self: Conversation, socket: Any, fields: Mapping[str, Any]) -> None:
        say(self, socket, fields)
        if fields["type"] == "ok":
            say(self, socket, fields)

    monkeypatch.setattr(Conversation, "say", twice)
    with pytest.raises(Broken, match="answered"):
        await fuzz(2_000, SEED, shrink=False)


async def test_an_answer_left_out_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = Conversation._refuse

    def but_bad_form(self: Conversation, socket: Any, ref: Any, error: HotHourError) -> None:
        if not isinstance(error, Invalid):
            refuse(self, socket, ref, error)

    monkeypatch.setattr(Conversation, "_refuse", but_bad_form)
    with pytest.raises(Broken, match="answered"):
        await fuzz(2_000, SEED, shrink=False)


async def test_an_act_that_breaks_is_noticed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("inside")

    monkeypatch.setattr(Acts, "act", broken)
    with pytest.raises(Broken, match="INTERNAL"):
        await fuzz(2_000, SEED, shrink=False)
    assert caplog.records


async def test_a_press_that_was_none_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    on_malformed = Conversation._on_malformed

    def pressing(self: Conversation, socket: Any, malformed: Malformed) -> None:
        on_malformed(self, socket, malformed)
        shop: Any = self._acts._asks
        shop.seen.append((7, Book(501, None, "a-key-nobody-has-said", None)))

    monkeypatch.setattr(Conversation, "_on_malformed", pressing)
    with pytest.raises(Broken, match="reached an auction"):
        await fuzz(2_000, SEED, shrink=False)


@pytest.mark.parametrize(
    ("owner", "name"), [(Sessions, "leave"), (Hub, "forget")], ids=["a session", "a topic"]
)
async def test_what_is_left_over_is_noticed(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    monkeypatch.setattr(owner, name, lambda *_: None)
    with pytest.raises(Broken, match="left over"):
        await fuzz(2_000, SEED, shrink=False)
