"""A member: processes of the production node that live, stall, die and come back."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from engine.directory import Directory
from engine.domain.messages import (
    AuctionIs,
    Book,
    Booked,
    CancelSeat,
    Look,
    ReservationChanged,
    TriggerTurbo,
)
from engine.errors import Busy, Draining, HotHourError, NoOwner, Sold
from engine.node import Node
from engine.ports.mail import MailDelayed
from engine.ports.outbox import OutboxRow
from engine.simulation import member as under_test
from engine.simulation.faults import Fault
from engine.simulation.member import Answer, Gone, Member, SimulatedMailer
from tests.simulation import mutations
from tests.simulation.stage import GUEST, SETTINGS, Cluster, clustered, sale, staged


def pressed(cluster: Cluster, member: Member, user_id: int = GUEST) -> list[Answer]:
    """Where the answer to a press will be."""
    heard: list[Answer] = []
    cluster.stage.judge.asks(user_id, "k", 1)
    member.ask(1, Book(user_id, key="k"), heard.append)
    return heard


def broken(cluster: Cluster) -> str | None:
    breach = cluster.stage.judge.breach
    return None if breach is None else breach.promise


def test_a_member_that_is_booted_becomes_ready_and_sells() -> None:
    cluster = clustered(staged(judged=True))
    [member] = cluster.members
    assert ("n0", "ready") in cluster.traces()
    assert member.shards == 4
    heard = pressed(cluster, member)
    assert heard == []
    cluster.stage.wait(100)
    assert [type(said) for said in heard] == [Booked]
    assert broken(cluster) is None
    assert cluster.stage.loop.errors == []


def test_before_it_is_ready_it_answers_nothing() -> None:
    cluster = clustered(staged(), booted=False)
    assert [type(said) for said in pressed(cluster, cluster.members[0])] == [Gone]


def test_while_one_process_starts_no_other_does() -> None:
    cluster = clustered(staged(), booted=False)
    [member] = cluster.members
    for _ in range(3):
        member.boot()
        cluster.stage.wait(0.01)
    cluster.stage.wait(1_000)
    assert cluster.traces().count(("n0", "ready")) == 1
    assert cluster.stage.database.nodes["n0"].incarnation == 1


def test_who_waits_for_a_process_that_is_killed_sees_the_connection_go() -> None:
    cluster = clustered(staged())
    [member] = cluster.members
    heard = pressed(cluster, member)
    cluster.stage.loop.run_until(cluster.stage.loop.now_ns + 200_000)
    member.crash()
    assert [type(said) for said in heard] == [Gone]
    assert member.shards == 0
    cluster.stage.wait(5_000)
    assert len(heard) == 1, "an answer of a dead process"
    assert cluster.traces().count(("n0", "ready")) == 1, "nobody has started it again"
    member.boot()
    cluster.stage.wait(5_000)
    assert cluster.traces().count(("n0", "ready")) == 2
    assert member.shards == 4


def test_a_member_that_cannot_start_tries_again() -> None:
    cluster = clustered(staged(), booted=False)
    stage, [member] = cluster.stage, cluster.members
    stage.server.leave(2_000)
    member.boot()
    stage.wait(1_900)
    assert member.node is None
    stage.wait(1_000)
    assert member.shards == 4


def test_a_member_that_stands_still_answers_afterwards() -> None:
    cluster = clustered(staged())
    [member] = cluster.members
    member.pause(2_500)
    member.pause(100)
    heard = pressed(cluster, member)
    cluster.stage.wait(2_400)
    assert heard == []
    cluster.stage.wait(200)
    assert [type(said) for said in heard] == [Booked]


def test_while_one_stands_still_beyond_its_lease_another_takes_over() -> None:
    cluster = clustered(staged(), 2)
    paused = cluster.owner
    [other] = [member for member in cluster.members if member is not paused]
    paused.pause(8_000)
    cluster.stage.wait(7_000)
    heard = pressed(cluster, other)
    cluster.stage.wait(500)
    assert [type(said) for said in heard] == [Booked]
    assert other.shards == 4


@dataclass(frozen=True)
class Stale:
    """One member has sold the only seat and then stood still for longer than its lease; meanwhile
    another one has taken the seat back."""

    cluster: Cluster
    first: Member
    second: Member

    def press(self) -> Answer:
        """Another guest presses at the member that stood still."""
        heard = pressed(self.cluster, self.first, GUEST + 1)
        self.cluster.stage.wait(1_000)
        [answer] = heard
        return answer


def stale() -> Stale:
    cluster = clustered(staged(judged=True), 2)
    stage, first = cluster.stage, cluster.owner
    [second] = [member for member in cluster.members if member is not first]
    heard = pressed(cluster, first)
    stage.wait(500)
    [booked] = heard
    assert isinstance(booked, Booked)
    first.pause(8_000)
    stage.wait(4_500)
    assert second.shards == 4, "INCONCLUSIVE"
    freed: list[Answer] = []
    second.ask(1, CancelSeat(booked.reservation.id, 9_000), freed.append)
    stage.wait(200)
    assert isinstance(freed[0], ReservationChanged)
    return Stale(cluster, first, second)


def test_who_has_lost_its_lease_says_no_to_nobody() -> None:
    scene = stale()
    scene.cluster.stage.wait(3_000)
    assert isinstance(scene.press(), NoOwner)


def test_who_says_no_without_a_lease_says_what_is_not_true(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mutations.says_no_without_a_lease(monkeypatch)
    scene = stale()
    scene.cluster.stage.wait(3_000)
    assert isinstance(scene.press(), Sold)


def test_who_loses_a_shard_and_gets_it_back_between_two_beats_remembers_nothing() -> None:
    scene = stale()
    stage = scene.cluster.stage
    scene.second.line.cut(8_000)
    stage.wait(5_000)
    assert (scene.first.shards, scene.first.line.dead) == (4, False)
    assert set(stage.database.shards.values()) == {scene.first.name}, "INCONCLUSIVE"
    assert isinstance(scene.press(), Booked)


def test_a_member_leaves_in_good_order_and_comes_back() -> None:
    cluster = clustered(staged())
    [member] = cluster.members
    heard = pressed(cluster, member)
    cluster.stage.loop.run_until(cluster.stage.loop.now_ns + 100_000)
    member.replace(500)
    assert member.node is None
    cluster.stage.wait(400)
    assert [type(said) for said in heard] == [Booked], "what was taken in is seen through"
    assert set(cluster.stage.database.shards.values()) == {None}
    cluster.stage.wait(1_000)
    assert member.shards == 4
    assert cluster.stage.database.nodes["n0"].incarnation == 2


def test_a_second_process_of_a_name_ends_the_first() -> None:
    cluster = clustered(staged())
    [member] = cluster.members
    first = member.machine
    cluster.stage.database.nodes["n0"].incarnation += 1
    cluster.stage.wait(1_500)
    assert ("n0", "superseded") in cluster.traces()
    assert not first.alive
    cluster.stage.wait(5_000)
    assert member.shards == 4


def test_clocks_are_off_and_stepped_until_they_are_set_right() -> None:
    cluster = clustered(staged(), 2, skews_ms=(300, 0))
    ahead, exact = cluster.members
    stage = cluster.stage

    def off_ms(member: Member) -> int:
        member.crash()
        member.boot()
        stage.wait(5_000)
        assert member.node is not None
        return member.node.clock.now_ms() - stage.loop.true_ns() // 1_000_000

    assert off_ms(ahead) == 300
    assert off_ms(exact) == 0
    ahead.step_clock(-200)
    assert off_ms(ahead) == 100
    ahead.right_clock()
    assert off_ms(ahead) == 300


def test_a_running_process_does_not_follow_a_step_of_the_clock() -> None:
    cluster = clustered(staged())
    [member] = cluster.members
    member.step_clock(3_600_000)
    cluster.stage.wait(3_000)
    assert member.node is not None
    assert abs(member.node.clock.now_ms() - cluster.stage.loop.true_ns() // 1_000_000) < 10


# --- what is judged ------------------------------------------------------------------------------


async def never(*_: object) -> None:
    await asyncio.sleep(under_test.ANSWER_MS_MAX / 1_000 + 1)
    raise Busy


async def in_eight_seconds(*_: object) -> None:
    await asyncio.sleep(8)
    raise Busy


def test_an_answer_that_takes_too_long_is_a_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = clustered(staged())
    [member] = cluster.members
    monkeypatch.setattr(Directory, "ask", never)
    pressed(cluster, member)
    cluster.stage.wait(under_test.ANSWER_MS_MAX - 100)
    member.late_answers()
    assert broken(cluster) is None
    cluster.stage.wait(1_200)
    assert broken(cluster) == "liveness"


def test_who_waits_still_has_not_waited_for_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = clustered(staged())
    [member] = cluster.members
    monkeypatch.setattr(Directory, "ask", never)
    pressed(cluster, member)
    cluster.stage.wait(under_test.ANSWER_MS_MAX + 100)
    member.late_answers()
    assert broken(cluster) == "liveness"


def test_the_time_a_member_stands_still_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = clustered(staged())
    [member] = cluster.members
    monkeypatch.setattr(Directory, "ask", in_eight_seconds)
    heard = pressed(cluster, member)
    member.pause(5_000)
    cluster.stage.wait(14_000)
    assert [type(said) for said in heard] == [Busy]
    assert broken(cluster) is None


def test_a_full_mailbox_is_counted_and_an_overfull_one_a_breach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = replace(SETTINGS, mailbox_depth_max=2, mailbox_control_reserve=0)
    cluster = clustered(staged(sale(seats=5)), settings=settings)
    [member] = cluster.members
    heard = [pressed(cluster, member, user_id) for user_id in range(1, 6)]
    cluster.stage.wait(2_000)
    assert sum(isinstance(said, Busy) for [said] in heard) == 3
    assert cluster.stage.armed.struck[Fault.MAILBOX_FULL] == 3
    assert broken(cluster) is None
    monkeypatch.setattr("engine.actor.AuctionActor.waiting", 3)
    pressed(cluster, member, 6)
    cluster.stage.wait(10)
    assert broken(cluster) == "P7"


# --- what others see of it -----------------------------------------------------------------------


def test_it_shows_what_it_has_in_memory() -> None:
    cluster = clustered(staged(sale(1), sale(2, starts_at_ms=sale().terms.ends_at_ms - 1)))
    [member] = cluster.members
    stored = cluster.stage.database.auctions[1].auction
    assert member.peek(1) == stored
    assert member.peek(9) is None
    assert cluster.stage.run(member.view(1)) == stored
    assert cluster.stage.run(member.view(9)) is None
    member.crash()
    assert member.peek(1) is None
    assert cluster.stage.run(member.view(1)) is None


def test_an_engine_that_says_no_is_an_answer() -> None:
    cluster = clustered(staged())
    [member] = cluster.members
    assert isinstance(member.node, Node)
    heard: list[Answer] = []
    member.ask(1, Look(), heard.append)
    member.ask(9, Look(), heard.append)
    member.ask(1, TriggerTurbo(9_000), heard.append)
    cluster.stage.wait(100)
    assert {type(said) for said in heard} > {AuctionIs}
    assert any(isinstance(said, HotHourError) for said in heard)


def test_a_member_that_drains_says_so() -> None:
    cluster = clustered(staged())
    [member] = cluster.members
    node = member.node
    assert node is not None
    cluster.stage.run(node.drain(), for_ms=100)
    heard = pressed(cluster, member)
    cluster.stage.wait(100)
    assert [type(said) for said in heard] == [Draining]


def test_the_mail_server_now_and_then_has_no_time() -> None:
    stage = staged()
    mailer = SimulatedMailer(stage.armed, stage.judge)
    row = OutboxRow(5, "booking_confirmed", GUEST, 1, {})
    stage.armed.arm("mail", Fault.MAIL_DELAYED)
    with pytest.raises(MailDelayed):
        stage.run(mailer.carry(row))
    assert stage.judge.seen["mails"] == 0
    stage.run(mailer.carry(row))
    assert stage.judge.seen["mails"] == 1


def test_a_member_whose_line_is_cut_cannot_start() -> None:
    cluster = clustered(staged(), booted=False)
    [member] = cluster.members
    member.line.cut(1_000)
    member.boot()
    cluster.stage.wait(900)
    assert member.node is None
    cluster.stage.wait(1_000)
    assert member.shards == 4
