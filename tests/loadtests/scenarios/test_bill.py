"""What the studio opens."""

import pytest

from edge.wire.auctions import AuctionIn
from engine.catalog.drafting import entered
from loadtests.scenarios.bill import NOTICE_MS, wave
from loadtests.scenarios.schedule import instant_ms

NOW_MS = 1_773_300_000_000


@pytest.mark.parametrize("guests", [1, 200, 100_000])
def test_the_product_takes_every_sale(guests: int) -> None:
    for body in wave(3, guests, NOW_MS):
        entered(AuctionIn.model_validate(body).asked()).must_hold(NOW_MS)


def test_there_are_far_fewer_seats_than_guests_and_at_least_one_a_sale() -> None:
    assert [body["seats"] for body in wave(1, 200, NOW_MS)] == [5, 10, 20]
    assert [body["seats"] for body in wave(1, 3, NOW_MS)] == [1, 1, 1]


def test_a_sale_is_announced_before_it_starts() -> None:
    starts_ms = [instant_ms(body["start_time"]) for body in wave(1, 200, NOW_MS)]
    assert min(starts_ms) == NOW_MS + NOTICE_MS
