"""What staff ask of a published sale, and whose it is."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from engine.catalog.drafting import Asked
from engine.domain.auction import Status
from engine.domain.messages import CancelAuction, TurboReason
from engine.errors import HotHourError, NotActive, NotFound, TooLate, TransitionRefused
from engine.ports.studios import Staff
from tests.shop import HOUR_MS, MINUTE_MS, Shop, open_shop

TURBO: dict[str, Any] = {
    "turbo_enabled": True,
    "turbo_drop_amount": Decimal("2.00"),
    "turbo_trigger_ms": HOUR_MS,
}


@pytest.fixture
async def shop(database: str) -> AsyncIterator[Shop]:
    async with open_shop(database) as opened:
        yield opened


async def test_cancelling_takes_the_reservations_along(shop: Shop) -> None:
    auction_id = await shop.sale(seats=3)
    await shop.book(auction_id)
    shown = await shop.auctions.cancel(shop.owner, auction_id, "Eğitmen hasta")
    assert shown.auction.status is Status.CANCELLED
    message = shop.directory.asked[-1]
    assert message == CancelAuction(shop.owner.user_id, "Eğitmen hasta")
    rows = await shop.pool.fetch("select status, change_reason from reservation")
    assert [tuple(row) for row in rows] == [("CANCELLED", "Eğitmen hasta")]
    with pytest.raises(TransitionRefused):
        await shop.auctions.cancel(shop.owner, auction_id, None)


async def test_a_class_that_has_begun_or_is_a_draft_is_not_cancelled(shop: Shop) -> None:
    draft_id, sale_id = await shop.draft(), await shop.sale()
    with pytest.raises(TransitionRefused):
        await shop.auctions.cancel(shop.owner, draft_id, None)
    shop.clock.forward(ms=4 * HOUR_MS)
    with pytest.raises(TooLate):
        await shop.auctions.cancel(shop.owner, sale_id, None)


async def test_turbo_says_why(shop: Shop) -> None:
    plain, fast = await shop.sale(), await shop.sale(**TURBO)
    later = await shop.sale(**TURBO, starts_at_ms=shop.clock.now_ms() + HOUR_MS)
    draft, plain_draft = await shop.draft(**TURBO), await shop.draft()
    turbo = shop.auctions.trigger_turbo

    async def reason(auction_id: int, *, force: bool = False) -> TurboReason:
        return (await turbo(shop.owner, auction_id, force=force)).reason

    assert await reason(plain) is TurboReason.NOT_ENABLED
    assert await reason(plain_draft) is TurboReason.NOT_ENABLED
    assert await reason(draft, force=True) is TurboReason.NOT_ACTIVE
    assert await reason(later, force=True) is TurboReason.NOT_ACTIVE
    assert await reason(fast) is TurboReason.CONDITION_NOT_MET
    forced = await turbo(shop.owner, fast, force=True)
    assert (forced.triggered, forced.reason) == (True, TurboReason.FORCED)
    assert forced.turbo_started_at_ms == shop.clock.now_ms()
    assert forced.remaining_minutes == 240
    assert await reason(fast) is TurboReason.ALREADY_TRIGGERED
    shop.clock.forward(ms=3 * HOUR_MS)
    due = await turbo(shop.owner, later, force=False)
    assert (due.triggered, due.reason) == (True, TurboReason.CONDITION_MET)
    assert due.turbo_started_at_ms == shop.clock.now_ms()


async def test_a_draft_tells_the_minutes_of_its_whole_sale(shop: Shop) -> None:
    draft = await shop.draft(**TURBO, starts_at_ms=shop.clock.now_ms() + HOUR_MS)
    answer = await shop.auctions.trigger_turbo(shop.owner, draft, force=False)
    assert (answer.triggered, answer.remaining_minutes) == (False, 180)


async def test_the_price_of_a_running_sale_is_said_once_more(shop: Shop) -> None:
    auction_id = await shop.sale()
    shop.clock.forward(ms=31 * MINUTE_MS)
    assert await shop.auctions.announce(shop.owner, auction_id) == 9_500
    assert shop.watcher.announced == [auction_id]


async def test_a_price_nobody_can_pay_is_not_said(shop: Shop) -> None:
    draft = await shop.draft()
    later = await shop.sale(starts_at_ms=shop.clock.now_ms() + MINUTE_MS)
    over = await shop.sale(ends_at_ms=shop.clock.now_ms() + HOUR_MS)
    sold = await shop.sale()
    await shop.book(sold)
    for auction_id in (draft, later, sold):
        with pytest.raises(NotActive):
            await shop.auctions.announce(shop.owner, auction_id)
    shop.clock.forward(ms=HOUR_MS)
    with pytest.raises(NotActive):
        await shop.auctions.announce(shop.owner, over)
    assert shop.watcher.announced == []


# --- whose it is ---------------------------------------------------------------------------------


async def everything(shop: Shop, staff: Staff, auction_id: int) -> list[HotHourError | None]:
    """What each act on an auction is answered with."""
    acts = (
        shop.auctions.edit(staff, auction_id, Asked(title="x"), None),
        shop.auctions.publish(staff, auction_id),
        shop.auctions.delete(staff, auction_id),
        shop.auctions.cancel(staff, auction_id, None),
        shop.auctions.clone(staff, auction_id),
        shop.auctions.trigger_turbo(staff, auction_id, force=True),
        shop.auctions.announce(staff, auction_id),
    )
    answers: list[HotHourError | None] = []
    for act in acts:
        try:
            await act
            answers.append(None)
        except HotHourError as error:
            answers.append(error)
    return answers


async def test_what_is_not_theirs_is_not_found(shop: Shop) -> None:
    draft, sale = await shop.draft(), await shop.sale(**TURBO)
    before = [await shop.row(draft), await shop.row(sale)]
    homeless = Staff(shop.owner.user_id, None)
    for staff in (shop.rival, homeless):
        for auction_id in (draft, sale, 999):
            answers = await everything(shop, staff, auction_id)
            assert all(isinstance(answer, NotFound) for answer in answers), answers
    assert [await shop.row(draft), await shop.row(sale)] == before
    assert shop.directory.asked == []


async def test_the_platforms_staff_may_act_for_every_studio(shop: Shop) -> None:
    sale = await shop.sale(**TURBO)
    answers = await everything(shop, shop.platform, sale)
    assert not any(isinstance(answer, NotFound) for answer in answers), answers
