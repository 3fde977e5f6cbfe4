"""The way to the database: a message there, a message back, and what can become of both."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from uuid import UUID

import pytest

from engine.domain.auction import Auction
from engine.domain.messages import Book
from engine.ports.commit import (
    Ambiguous,
    Committed,
    Entry,
    Outcome,
    Rejected,
    Rejection,
    Superseded,
    Unavailable,
    Verdict,
)
from engine.ports.leases import LeaseLost
from engine.simulation.faults import COMMIT_FAULTS, Fault
from engine.simulation.loop import Machine, on
from engine.simulation.wire import (
    Line,
    WiredCommits,
    WiredLeases,
    WiredOutbox,
    WiredSchedule,
    said,
)
from tests.simulation.stage import GUEST, MINUTE_MS, SETTINGS, Stage, sale, staged

ID = UUID(int=1)
OF_THE_MOMENT_MS = 20
"""Longer than the way there and back."""


async def commit(line: Line, entry: Entry) -> Mapping[int, Outcome]:
    flight = await WiredCommits(line).open_flight()
    outcomes = await flight.commit(ID, [entry])
    await flight.close()
    return outcomes


def commit_under(stage: Stage, fault: Fault, for_ms: int = 60_000) -> object:
    """The outcome, or what was raised, after so long; None if it waits still."""
    stage.armed.arm("commit", fault)
    work = commit(stage.line, stage.entry())
    task = stage.loop.create_task(work, context=on(None))
    stage.wait(for_ms)
    if not task.done():
        return None
    return task.exception() or task.result()[1]


# --- when nothing goes wrong ---------------------------------------------------------------------


def test_a_commit_takes_a_while_each_way_and_is_seen_by_the_witness() -> None:
    stage = staged()
    began_ns = stage.loop.now_ns
    arrived_ns: list[int] = []
    stage.witness.then = lambda: arrived_ns.append(stage.loop.now_ns)
    heard_ns: list[int] = []

    async def asks() -> Mapping[int, Outcome]:
        outcomes = await commit(stage.line, stage.entry())
        heard_ns.append(stage.loop.now_ns)
        return outcomes

    assert stage.run(asks()) == {1: Committed(0)}
    assert began_ns < arrived_ns[0] < heard_ns[0] < began_ns + OF_THE_MOMENT_MS * 1_000_000
    assert stage.statuses() == ["PENDING_ON_SITE"]
    assert stage.witness.after == [{1: Committed(0)}]


def test_what_was_sent_outlives_the_process_that_sent_it() -> None:
    stage, machine = staged(), Machine("n0")
    flight = stage.run(WiredCommits(stage.line).open_flight())
    task = stage.loop.spawn(machine, flight.commit(ID, [stage.entry()]))
    stage.loop.run_until(stage.loop.now_ns + 20_000)
    stage.loop.kill(machine)
    assert stage.statuses() == []
    stage.wait(OF_THE_MOMENT_MS)
    assert stage.statuses() == ["PENDING_ON_SITE"]
    assert not task.done()


def test_every_port_gives_what_the_store_behind_it_has() -> None:
    stage = staged(sale(1), sale(2))
    line, run = stage.line, stage.run
    commits, leases = WiredCommits(line), WiredLeases(line)
    assert run(commits.next_token()) == 1
    assert run(commits.next_block("outbox_id")).start == 1
    assert [auction.id for auction in run(commits.look([1, 2, 3]))] == [1, 2]
    assert [loaded.state.auction.id for loaded in run(commits.take_over([2]))] == [2]
    entry = stage.entry()
    assert run(commits.resolve(9, ID, [entry])) == {1: Verdict.NEVER}
    assert stage.database.auctions[1].fence == 9
    soon = stage.database.auctions[1].auction.terms.starts_at_ms + 1
    due = run(WiredSchedule(line).due_before(soon, frozenset({0, 1, 2, 3}), None, 10))
    assert [each.auction_id for each in due] == [1, 2]
    assert run(WiredSchedule(line).unattended(soon, 10)) == []
    assert run(WiredSchedule(line).sweep(soon)) == 0
    joined = run(leases.join("n0", 3_000))
    assert set(run(leases.renew("n0", joined.incarnation, 3_000, 0))) == {0, 1, 2, 3}
    run(leases.leave("n0", joined.incarnation))
    assert set(stage.database.shards.values()) == {None}


def test_the_outbox_is_claimed_and_done_over_the_wire() -> None:
    stage = staged()
    stage.run(commit(stage.line, stage.entry()))
    outbox, run = WiredOutbox(stage.line), stage.run
    stage.wait(MINUTE_MS)
    [row] = run(outbox.claim(10, 1_000), for_ms=10)
    assert row.user_id == GUEST
    assert run(outbox.latest(GUEST)) == row.id
    assert run(outbox.missed(GUEST, 0, 10)) == [row]
    run(outbox.again(row.id, 5), for_ms=10)
    [again] = run(outbox.claim(10, 1_000), for_ms=10)
    assert (again.id, again.attempts) == (row.id, 1)
    run(outbox.done([row.id]))
    assert stage.database.outbox[row.id].done_at_ms is not None


def test_an_error_of_the_database_comes_back() -> None:
    stage = staged()
    with pytest.raises(LeaseLost):
        stage.run(WiredLeases(stage.line).renew("nobody", 1, 3_000, 0))


def test_a_statement_in_memory_must_not_wait() -> None:
    stage = staged()
    task = stage.loop.create_task(said(stage.line, "read", lambda: asyncio.sleep(1)))
    stage.wait(OF_THE_MOMENT_MS)
    assert not task.done()
    assert [str(error) for error in stage.loop.errors] == ["a statement in memory has suspended"]


# --- commits -------------------------------------------------------------------------------------


def test_an_answer_that_is_lost_leaves_the_row_and_a_caller_who_does_not_know() -> None:
    stage = staged()
    outcome = commit_under(stage, Fault.COMMIT_ANSWER_LOST, OF_THE_MOMENT_MS)
    assert isinstance(outcome, Ambiguous)
    assert stage.statuses() == ["PENDING_ON_SITE"]


def test_a_commit_that_is_lost_never_arrives() -> None:
    stage = staged()
    outcome = commit_under(stage, Fault.COMMIT_LOST, OF_THE_MOMENT_MS)
    assert isinstance(outcome, Ambiguous)
    stage.wait(MINUTE_MS)
    assert stage.statuses() == []
    assert stage.witness.before == 0


def test_a_late_commit_arrives_all_the_same_even_when_the_store_is_away() -> None:
    for seed in range(8):
        stage = staged(seed=seed)
        seen: list[list[str]] = []
        stage.armed.arm("commit", Fault.COMMIT_LATE)

        async def asks(stage: Stage = stage, seen: list[list[str]] = seen) -> None:
            with pytest.raises(Ambiguous):
                await commit(stage.line, stage.entry())
            seen.append(stage.statuses())
            stage.server.leave(MINUTE_MS)

        stage.run(asks(), for_ms=10_000)
        assert seen == [[]]
        assert stage.statuses() == ["PENDING_ON_SITE"]


def test_a_late_commit_changes_nothing_once_the_fence_has_moved() -> None:
    stage = staged()
    stage.armed.arm("commit", Fault.COMMIT_LATE)

    async def asks() -> Mapping[int, Verdict]:
        entry = stage.entry()
        with pytest.raises(Ambiguous):
            await commit(stage.line, entry)
        return await WiredCommits(stage.line).resolve(5, ID, [entry])

    assert stage.run(asks()) == {1: Verdict.NEVER}
    assert stage.witness.after == [{1: Superseded()}]
    assert stage.statuses() == []


def test_what_cannot_be_sent_is_known_not_to_have_happened() -> None:
    stage = staged()
    assert isinstance(commit_under(stage, Fault.COMMIT_UNSENT), Unavailable)
    assert stage.statuses() == []


def test_a_refused_commit_is_rolled_back_and_may_be_tried_again() -> None:
    stage = staged()
    outcome = commit_under(stage, Fault.COMMIT_REFUSED)
    assert isinstance(outcome, Rejected)
    assert outcome.rejection is Rejection.RETRY
    assert stage.statuses() == []
    assert stage.run(commit(stage.line, stage.entry())) == {1: Committed(0)}


def test_a_delayed_commit_answers_late_or_is_in_doubt_and_done_later() -> None:
    in_time, in_doubt = 0, 0
    for seed in range(40):
        stage = staged(seed=seed)
        outcome = commit_under(stage, Fault.COMMIT_DELAYED, SETTINGS.commit_timeout_ms + 50)
        if isinstance(outcome, Ambiguous):
            in_doubt += 1
            assert stage.statuses() == []
            stage.wait(12_001)
        else:
            in_time += 1
            assert outcome == Committed(0)
        assert stage.statuses() == ["PENDING_ON_SITE"]
    assert min(in_time, in_doubt) >= 5, "INCONCLUSIVE"


def test_each_fault_of_a_commit_is_counted_and_the_next_commit_is_spared() -> None:
    for fault in COMMIT_FAULTS:
        stage = staged()
        commit_under(stage, fault)
        assert stage.armed.struck == {fault: 1}
        assert stage.run(said(stage.line, "commit", _seven)) == 7


async def _seven() -> int:
    return 7


# --- other statements ----------------------------------------------------------------------------


def test_a_lost_statement_never_arrives_and_nobody_knows() -> None:
    stage = staged()
    stage.armed.arm("read", Fault.STATEMENT_LOST)
    with pytest.raises(Ambiguous):
        stage.run(WiredCommits(stage.line).take_over([1]))
    assert stage.database.auctions[1].fence == 0


def test_a_slow_beat_is_counted_at_once_and_heard_of_much_later() -> None:
    stage = staged()
    leases = WiredLeases(stage.line)
    joined = stage.run(leases.join("n0", 3_000))
    stage.armed.arm("beat", Fault.BEAT_SLOW)
    began_ns, heard_ns = stage.loop.now_ns, list[int]()

    async def beats() -> set[int]:
        shards = set(await leases.renew("n0", joined.incarnation, 3_000, 0))
        heard_ns.append(stage.loop.now_ns)
        return shards

    task = stage.loop.create_task(beats(), context=on(None))
    stage.wait(OF_THE_MOMENT_MS)
    assert set(stage.database.shards.values()) == {"n0"}
    assert not task.done()
    stage.wait(3_000)
    assert task.result() == {0, 1, 2, 3}
    assert heard_ns[0] - began_ns >= 1_000 * 1_000_000


# --- the store, and one line to it ---------------------------------------------------------------


def test_while_the_store_is_away_nothing_is_sent() -> None:
    stage = staged()
    stage.server.leave(500)
    with pytest.raises(Unavailable):
        stage.run(WiredCommits(stage.line).next_token(), for_ms=100)
    stage.wait(400)
    assert stage.run(WiredCommits(stage.line).next_token()) == 1
    assert stage.armed.struck == {Fault.STORE_AWAY: 1}


def test_a_store_that_leaves_tears_what_is_on_its_way_there() -> None:
    stage = staged()
    stage.loop.at_ns(stage.loop.now_ns + 1_000, stage.server.leave, 300, context=on(None))
    work = said(stage.line, "commit", _inserting(stage))
    with pytest.raises(Ambiguous):
        stage.run(work, for_ms=OF_THE_MOMENT_MS)
    stage.wait(MINUTE_MS)
    assert stage.numbers.reservation_id() == 1, "it was done"


def test_a_store_that_leaves_tears_what_is_on_its_way_back_and_has_been_done() -> None:
    stage = staged()
    stage.witness.then = lambda: stage.server.leave(0)
    with pytest.raises(Ambiguous):
        stage.run(commit(stage.line, stage.entry()))
    assert stage.statuses() == ["PENDING_ON_SITE"]


def _inserting(stage: Stage) -> Callable[[], Coroutine[Any, Any, None]]:
    async def insert() -> None:
        stage.numbers.reservation_id()

    return insert


def test_a_line_that_is_cut_concerns_one_member_alone() -> None:
    stage = staged()
    other = Line(stage.server)
    stage.line.cut(500)
    with pytest.raises(Unavailable):
        stage.run(WiredCommits(stage.line).next_token(), for_ms=100)
    assert stage.run(WiredCommits(other).next_token(), for_ms=100) == 1
    stage.wait(300)
    assert stage.run(WiredCommits(stage.line).next_token()) == 2
    assert stage.armed.struck == {Fault.LINE_CUT: 1}


def test_a_line_that_is_cut_loses_the_answer_of_what_was_done() -> None:
    stage = staged()
    stage.witness.then = lambda: stage.line.cut(3_000)
    with pytest.raises(Ambiguous):
        stage.run(commit(stage.line, stage.entry()))
    assert stage.statuses() == ["PENDING_ON_SITE"]


def test_of_two_owners_the_database_hears_only_the_newest() -> None:
    stage = staged(sale(seats=2))
    before: Auction = stage.database.auctions[1].auction
    stale, newest = Line(stage.server), stage.line
    assert stage.run(commit(newest, stage.entry_on(before))) == {1: Committed(0)}
    other = stage.entry_on(before, Book(GUEST + 1, key="other"))
    assert stage.run(commit(stale, other)) == {1: Superseded()}
    assert len(stage.statuses()) == 1
