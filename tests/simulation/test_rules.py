"""Each sentence of the promises, with what breaks it and what does not."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest

from engine.domain.auction import Auction, Status
from engine.domain.ledger import Reservation, ReservationStatus
from engine.domain.terms import Terms, TurboTerms
from engine.simulation import rules
from engine.simulation.loop import BEGIN_MS
from tests.domain import oracle
from tests.simulation.stage import TURBO, sale

# --- prices --------------------------------------------------------------------------------------


def oracle_price(terms: Terms, turbo_started_at_ms: int | None, at_ms: int) -> int:
    turbo = None
    if terms.turbo is not None:
        due_ms = max(terms.starts_at_ms, terms.ends_at_ms - terms.turbo.trigger_ms)
        turbo = oracle.Turbo(
            drop=Fraction(terms.turbo.amount, 100),
            interval_ms=terms.turbo.every_ms,
            started_at_ms=due_ms if turbo_started_at_ms is None else turbo_started_at_ms,
        )
    told = oracle.Sale(
        start_price=Fraction(terms.start_price, 100),
        floor_price=Fraction(terms.floor_price, 100),
        drop=Fraction(terms.drop_amount, 100),
        interval_ms=terms.drop_every_ms,
        start_ms=terms.starts_at_ms,
        end_ms=terms.ends_at_ms,
        turbo=turbo,
    )
    return int(oracle.price(told, at_ms) * 100)


@pytest.mark.parametrize("turbo", [None, TurboTerms(250, 3_000, 70), TurboTerms(100, 10**9, 150)])
@pytest.mark.parametrize("started_after_ms", [None, 1_234])
def test_the_price_is_that_of_the_oracle(
    turbo: TurboTerms | None, started_after_ms: int | None
) -> None:
    starts_ms = BEGIN_MS
    terms = replace(
        sale().terms,
        starts_at_ms=starts_ms,
        ends_at_ms=starts_ms + 6_000,
        drop_every_ms=333,
        drop_amount=777,
        turbo=turbo,
    )
    began = None if started_after_ms is None or turbo is None else starts_ms + started_after_ms
    prices = set()
    for after_ms in (*range(-50, 6_200, 7), *(n * 333 + off for n in range(19) for off in (-1, 0))):
        at_ms = starts_ms + after_ms
        price = rules.price_of(terms, began, at_ms)
        assert price == oracle_price(terms, began, at_ms), after_ms
        prices.add(price)
    assert len(prices) > 15, "INCONCLUSIVE"


# --- seats ---------------------------------------------------------------------------------------


def seat(no: int, user: int = 0, status: str = "PENDING_ON_SITE") -> Reservation:
    return Reservation(
        id=no * 100 + user,
        auction_id=1,
        user_id=user or no,
        seat_no=no,
        price=19_500,
        max_price=None,
        code=f"HOT-222{no + 1}",
        key=f"k{no}",
        revision=1 + no,
        accepted_at_ms=BEGIN_MS,
        status=ReservationStatus(status),
    )


def two_seats(status: Status, left: int) -> Auction:
    return replace(sale(seats=2), status=status, seats_left=left)


def seats_wrong(auction: Auction, rows: Sequence[Reservation], at_ms: int = BEGIN_MS) -> list[str]:
    return list(rules.wrong_seats(auction, rows, at_ms))


def test_seats_that_are_sold_and_left_add_up() -> None:
    assert seats_wrong(two_seats(Status.ACTIVE, 2), []) == []
    assert seats_wrong(two_seats(Status.ACTIVE, 1), [seat(2)]) == []
    assert seats_wrong(two_seats(Status.SOLD, 0), [seat(1), seat(2)]) == []


def test_a_seat_that_was_given_back_is_held_by_nobody() -> None:
    rows = [seat(1, 5, "CANCELLED"), seat(1, 6), seat(2)]
    assert seats_wrong(two_seats(Status.SOLD, 0), rows) == []


@pytest.mark.parametrize(
    ("auction", "rows", "wrong"),
    [
        (
            two_seats(Status.SOLD, 0),
            [seat(1), seat(2), seat(3)],
            [
                "3 hold one of 2 seats",
                "0 seats are said to be left, -1 are",
                "a seat is held that does not exist",
            ],
        ),
        (two_seats(Status.ACTIVE, 2), [seat(1)], ["2 seats are said to be left, 1 are"]),
        (two_seats(Status.SOLD, 0), [seat(1, 5), seat(1, 6)], ["one seat is held twice"]),
        (two_seats(Status.ACTIVE, 1), [seat(3)], ["a seat is held that does not exist"]),
        (two_seats(Status.SOLD, 0), [seat(1, 5), seat(2, 5)], ["one guest holds two seats"]),
        (two_seats(Status.SOLD, 1), [seat(1)], ["it is SOLD and has seats left"]),
        (
            two_seats(Status.ACTIVE, 0),
            [seat(1), seat(2)],
            ["it is ACTIVE and has no seat left"],
        ),
    ],
)
def test_seats_that_do_not_add_up(
    auction: Auction, rows: list[Reservation], wrong: list[str]
) -> None:
    assert seats_wrong(auction, rows) == wrong


def test_a_seat_that_comes_back_after_the_end_is_not_sold_again() -> None:
    auction = two_seats(Status.SOLD, 1)
    ends_ms = auction.terms.ends_at_ms
    assert seats_wrong(auction, [seat(1)], ends_ms) == []
    assert seats_wrong(auction, [seat(1)], ends_ms - 1) == ["it is SOLD and has seats left"]


# --- the price of a seat -------------------------------------------------------------------------


def price_wrong(**changes: object) -> list[str]:
    auction = replace(sale(turbo=TURBO), turbo_started_at_ms=None)
    return list(rules.wrong_price(auction, replace(seat(1), **changes)))  # type: ignore[arg-type]


def test_a_seat_costs_what_it_cost_at_the_accepted_instant() -> None:
    assert price_wrong() == []
    assert price_wrong(accepted_at_ms=BEGIN_MS - 1, price=19_600) == []
    assert price_wrong(accepted_at_ms=BEGIN_MS - 1) == [
        "seat 1 was sold for 19500, the price was 19600"
    ]
    assert price_wrong(price=19_400) == ["seat 1 was sold for 19400, the price was 19500"]


def test_nobody_pays_more_than_was_agreed_to() -> None:
    assert price_wrong(max_price=19_500) == []
    assert price_wrong(max_price=19_499) == ["19500 is more than the 19499 that was agreed to"]


def test_nothing_is_sold_outside_of_the_sale() -> None:
    terms = sale().terms
    assert price_wrong(accepted_at_ms=terms.starts_at_ms, price=20_000) == []
    early = terms.starts_at_ms - 1
    assert price_wrong(accepted_at_ms=early, price=20_000) == [
        f"it was sold at {early}, outside of the sale"
    ]
    assert price_wrong(accepted_at_ms=terms.ends_at_ms - 1, price=1_000) == []
    assert price_wrong(accepted_at_ms=terms.ends_at_ms, price=1_000) == [
        f"it was sold at {terms.ends_at_ms}, outside of the sale"
    ]


# --- what may follow -----------------------------------------------------------------------------

STATUSES = [status for status in Status if status is not Status.DRAFT]
SINGLE = {
    ("SCHEDULED", "ACTIVE"),
    ("SCHEDULED", "CANCELLED"),
    ("ACTIVE", "SOLD"),
    ("ACTIVE", "EXPIRED"),
    ("ACTIVE", "CANCELLED"),
    ("SOLD", "ACTIVE"),
    ("SOLD", "CANCELLED"),
    ("EXPIRED", "CANCELLED"),
}


def step_wrong(before: Status, after: Status, revisions: int) -> list[str]:
    auction = replace(sale(), status=before, revision=5)
    return list(rules.wrong_step(auction, replace(auction, status=after, revision=5 + revisions)))


@pytest.mark.parametrize(("before", "after"), list(product(STATUSES, STATUSES)))
def test_one_revision_is_one_step(before: Status, after: Status) -> None:
    wrong = step_wrong(before, after, 1)
    if (before, after) in SINGLE or before is after is not Status.CANCELLED:
        assert wrong == []
    elif before is Status.CANCELLED:
        assert "a cancelled class has changed" in wrong
    else:
        assert wrong == [f"{before} cannot become {after}"]


def test_several_revisions_are_several_steps() -> None:
    assert step_wrong(Status.SCHEDULED, Status.SOLD, 2) == []
    assert step_wrong(Status.SCHEDULED, Status.SOLD, 1) == ["SCHEDULED cannot become SOLD"]
    assert step_wrong(Status.EXPIRED, Status.ACTIVE, 9) == ["EXPIRED cannot become ACTIVE"]


def test_without_a_revision_nothing_changes_its_status() -> None:
    assert step_wrong(Status.ACTIVE, Status.ACTIVE, 0) == []
    assert step_wrong(Status.ACTIVE, Status.SOLD, 0) == ["ACTIVE cannot become SOLD"]


def test_revisions_do_not_go_back() -> None:
    assert step_wrong(Status.ACTIVE, Status.ACTIVE, -1) == ["revision 5 became 4"]


def test_a_cancelled_class_stays_as_it_was() -> None:
    cancelled = replace(sale(), status=Status.CANCELLED)
    assert list(rules.wrong_step(cancelled, cancelled)) == []
    renamed = replace(cancelled, title="Pilates", revision=2)
    assert list(rules.wrong_step(cancelled, renamed)) == ["a cancelled class has changed"]
