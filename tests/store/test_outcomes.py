"""What answers mean, without a store. With one, the contracts show the same."""

from dataclasses import replace
from uuid import UUID

from engine.domain.decision import Move
from engine.domain.ledger import Reservation, ReservationStatus
from engine.ports.commit import (
    Committed,
    Entry,
    Offended,
    Offender,
    Superseded,
    Verdict,
    Why,
)
from engine.store.outcomes import Hit, Placed, Resolved, Traces, late_verdict, outcomes, verdict
from tests.contracts.turns import a_sale

MINE, OTHERS = UUID(int=1), UUID(int=2)
ENTRY = Entry(expected=0, fence=7, after=a_sale(1), high_water_ms=0)
KEY = Offender(Why.KEY, user_id=5, old=50, old_auction_id=1)
SEAT = Offender(Why.SEAT, user_id=6, seat_no=1)


def test_what_was_written_is_committed_under_its_own_fence() -> None:
    assert outcomes([ENTRY], {1}, []) == {1: Committed(7)}


def test_silence_is_superseded() -> None:
    assert outcomes([ENTRY], set(), []) == {1: Superseded()}


def test_the_newest_owner_hears_every_offender() -> None:
    hits = [Hit(1, KEY, fresh=True), Hit(1, SEAT, fresh=True)]
    assert outcomes([ENTRY], set(), hits) == {1: Offended((KEY, SEAT))}


def test_an_older_owner_hears_of_keys_alone() -> None:
    hits = [Hit(1, KEY, fresh=False), Hit(1, SEAT, fresh=False)]
    assert outcomes([ENTRY], set(), hits) == {1: Offended((KEY,))}
    assert outcomes([ENTRY], set(), hits[1:]) == {1: Superseded()}


def test_another_auctions_offenders_are_its_own() -> None:
    assert outcomes([ENTRY], {1}, [Hit(2, SEAT, fresh=True)]) == {1: Committed(7)}


def test_the_moved_row_tells() -> None:
    assert verdict(ENTRY, MINE, Resolved(1, MINE)) is Verdict.COMMITTED
    assert verdict(ENTRY, MINE, Resolved(0, OTHERS)) is Verdict.NEVER
    assert verdict(ENTRY, MINE, Resolved(0, None)) is Verdict.NEVER
    assert verdict(ENTRY, MINE, None) is None


def test_a_revision_that_nobody_could_have_made_is_no_verdict() -> None:
    assert verdict(ENTRY, MINE, Resolved(1, OTHERS)) is None


def test_without_events_and_moves_there_is_nothing_to_have_lost() -> None:
    """A turn that only wrote the high-water mark: written or not, all its rows are as it left
    them."""
    traces = Traces(None, {})
    assert late_verdict(ENTRY, MINE, traces) is Verdict.COMMITTED_THEN_LOST


def test_a_turn_without_a_revision_is_told_by_its_commit_id_alone() -> None:
    assert ENTRY.expected == ENTRY.after.revision, "so the revision says nothing"
    assert verdict(ENTRY, MINE, Resolved(0, MINE)) is Verdict.COMMITTED
    assert verdict(ENTRY, MINE, Resolved(0, OTHERS)) is Verdict.NEVER


def test_a_seat_that_somebody_else_moved_proves_nothing() -> None:
    came, stayed = ReservationStatus.COMPLETED, ReservationStatus.PENDING_ON_SITE
    after = Reservation(
        50, 1, 5, 1, 100, None, "HOT-2222", None, 2, 1_000, status=came, changed_at_ms=2_000
    )
    entry = replace(ENTRY, moved=(Move(stayed, after, by=9),))
    found = {
        Placed(came, 2_000, 9): Verdict.COMMITTED_THEN_LOST,
        Placed(came, 2_000, 8): Verdict.LOST,
        Placed(came, 2_001, 9): Verdict.LOST,
        Placed(stayed, None, None): Verdict.LOST,
    }
    for placed, told in found.items():
        assert late_verdict(entry, MINE, Traces(None, {50: placed})) is told
    assert late_verdict(entry, MINE, Traces(None, {})) is Verdict.LOST
