"""What everybody may know of an auction, at any instant."""

from dataclasses import fields

import pytest

from engine.domain.auction import REGRET_MS, AllowedGender, Auction, Status
from tests.domain.sales import CLASS, END, MINUTE, START, TURBO, auction


@pytest.mark.parametrize(
    ("stored", "at_ms", "folded"),
    [
        (Status.DRAFT, END, Status.DRAFT),
        (Status.SCHEDULED, START - 1, Status.SCHEDULED),
        (Status.SCHEDULED, START, Status.ACTIVE),
        (Status.SCHEDULED, END, Status.EXPIRED),
        (Status.ACTIVE, END - 1, Status.ACTIVE),
        (Status.ACTIVE, END, Status.EXPIRED),
        (Status.SOLD, END, Status.SOLD),
        (Status.CANCELLED, START, Status.CANCELLED),
    ],
)
def test_the_status_is_carried_on_by_the_schedule(
    stored: Status, at_ms: int, folded: Status
) -> None:
    assert auction(status=stored).status_at(at_ms) is folded


def test_price_and_step_stand_still_from_the_last_sale_on() -> None:
    sold_at = START + 40 * MINUTE
    sold = auction(status=Status.SOLD, frozen_at_ms=sold_at)
    assert sold.price_at(sold_at) == sold.price_at(END) == 19_000
    assert sold.step_at(END + 1) == 1
    assert sold.counts_at(END) == (1, 0)
    assert sold.next_change_after(sold_at) is None
    assert sold.price_at(START) == 20_000


def test_the_next_change_is_only_told_while_there_will_be_one() -> None:
    running = auction(status=Status.ACTIVE)
    change = running.next_change_after(START)
    assert change is not None
    assert (change.at_ms, change.price) == (START + 30 * MINUTE, 19_000)
    assert auction().next_change_after(START - MINUTE) is not None
    assert running.next_change_after(END) is None
    assert auction(status=Status.CANCELLED).next_change_after(START) is None


def test_turbo_counts_as_started_from_its_instant_on_written_down_or_not() -> None:
    due = END - TURBO.trigger_ms
    sale = auction(turbo=TURBO, status=Status.ACTIVE)
    assert sale.turbo_started_by(due - 1) is None
    assert sale.turbo_started_by(due) == due
    assert sale.counts_at(due + 5 * MINUTE) == (3, 1)
    forced = auction(turbo=TURBO, status=Status.ACTIVE, turbo_started_at_ms=START + 1)
    assert forced.turbo_started_by(START) == START + 1
    sold = auction(turbo=TURBO, status=Status.SOLD, frozen_at_ms=due - 1)
    assert sold.turbo_started_by(END) is None
    assert auction(turbo=TURBO, status=Status.DRAFT).turbo_started_by(END) is None
    assert auction().turbo_started_by(END) is None


def test_the_next_transition_is_the_start_then_turbo_then_the_end() -> None:
    due = END - TURBO.trigger_ms
    assert auction(turbo=TURBO).next_transition_ms() == START
    assert auction(turbo=TURBO, status=Status.ACTIVE).next_transition_ms() == due
    running = auction(turbo=TURBO, status=Status.ACTIVE, turbo_started_at_ms=due)
    assert running.next_transition_ms() == END
    assert auction(status=Status.ACTIVE).next_transition_ms() == END
    assert auction(status=Status.SOLD).next_transition_ms() is None


def test_a_seat_can_be_given_back_until_the_cut_off_or_within_the_regret() -> None:
    sale = auction()
    cut_off = CLASS - sale.cancel_cutoff_ms
    assert sale.cancellable_until_ms(START) == cut_off
    assert sale.cancellable_until_ms(cut_off) == cut_off + REGRET_MS
    assert sale.cancellable_until_ms(CLASS - 1) == CLASS


def test_a_class_open_to_one_gender_admits_only_who_gave_it() -> None:
    women = auction(allowed_gender=AllowedGender.FEMALE)
    assert women.admits("FEMALE")
    assert not women.admits("MALE")
    assert not women.admits(None)
    assert auction().admits(None)


def test_nothing_in_it_could_name_a_guest() -> None:
    names = " ".join(field.name for field in fields(Auction))
    assert not any(word in names for word in ("user", "guest", "code", "key", "holder", "mail"))
