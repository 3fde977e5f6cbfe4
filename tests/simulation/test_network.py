"""The way from guests to members: questions and answers get lost, and somebody else is asked."""

from collections.abc import Callable

import pytest

from engine.domain.messages import AuctionIs, Look, Message
from engine.errors import NoOwner
from engine.simulation.faults import Fault
from engine.simulation.loop import on
from engine.simulation.member import Answer, Gone
from tests.simulation.stage import Cluster, clustered, staged


def ask(cluster: Cluster, *, at_once: bool = False) -> Answer:
    return cluster.stage.run(cluster.network.ask(1, Look(), at_once=at_once), for_ms=20_000)


def test_a_question_is_answered_after_a_trip_there_and_back() -> None:
    cluster = clustered(staged())
    began_ns = cluster.stage.loop.now_ns
    task = cluster.stage.loop.create_task(cluster.network.ask(1, Look()), context=on(None))
    cluster.stage.loop.run_until(began_ns + 160_000)
    assert not task.done()
    cluster.stage.wait(100)
    assert isinstance(task.result(), AuctionIs)


def test_an_exact_question_arrives_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = clustered(staged())
    asked_ns: list[int] = []
    began_ns = cluster.stage.loop.now_ns
    loop = cluster.stage.loop
    monkeypatch.setattr(cluster.owner, "ask", lambda *_: asked_ns.append(loop.now_ns))
    cluster.stage.loop.create_task(cluster.network.ask(1, Look(), at_once=True))
    cluster.stage.wait(0)
    assert asked_ns == [began_ns]


def test_a_question_that_is_lost_never_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = clustered(staged())
    cluster.stage.armed.arm("ask", Fault.ASK_LOST)
    called: list[object] = []
    monkeypatch.setattr(cluster.owner, "ask", lambda *of: called.append(of))
    lost = cluster.stage.run(cluster.network.ask(1, Look()), for_ms=10)
    assert isinstance(lost, Gone), "the connection goes at once"
    assert called == []


def test_an_answer_that_is_lost_was_given_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = clustered(staged())
    cluster.stage.armed.arm("answer", Fault.ANSWER_LOST)
    given: list[Answer] = []
    really_ask = cluster.owner.ask

    def overheard(auction_id: int, message: Message, hear: Callable[[Answer], None]) -> None:
        def both(said: Answer) -> None:
            given.append(said)
            hear(said)

        really_ask(auction_id, message, both)

    monkeypatch.setattr(cluster.owner, "ask", overheard)
    assert isinstance(ask(cluster), Gone)
    assert [type(said) for said in given] == [AuctionIs]


def test_whoever_hears_nothing_gives_up_on_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = clustered(staged())
    monkeypatch.setattr(cluster.owner, "ask", lambda *_: None)
    assert isinstance(ask(cluster), Gone)


def test_if_one_member_cannot_another_is_asked() -> None:
    cluster = clustered(staged(), 2)
    heard = [ask(cluster) for _ in range(40)]
    owned = sum(isinstance(said, AuctionIs) for said in heard)
    others = sum(isinstance(said, NoOwner) for said in heard)
    assert owned + others == 40
    assert owned > others > 0, "some go to any member"


def test_a_snapshot_is_what_is_stored() -> None:
    cluster = clustered(staged())
    stored = cluster.stage.database.auctions[1].auction
    assert cluster.network.snapshot(1) == stored
    assert cluster.network.now_ms() == cluster.stage.loop.true_ns() // 1_000_000
