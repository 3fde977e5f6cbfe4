"""Answers about auctions as plain dicts; the models of edge/wire/auction_answers.py describe them.

Lists are the busiest answers of all, so nothing is validated on the way out. Whatever moves with
the clock is folded at the one instant of the answer.
"""

from typing import Any, Final

from edge.wire.auction_answers import Reason
from engine.catalog.auctions import Shown
from engine.catalog.listings import History, Page
from engine.domain.auction import Auction, Status
from engine.domain.messages import TurboAnswer
from engine.domain.money import format_minor
from engine.domain.terms import Terms
from engine.frames import instant, next_fields, optional_instant, schedule_fields
from engine.ports.auctions import Listed, Venue

Fields = dict[str, Any]

CURVE_POINTS_MAX: Final = 1_000
"""Points of a plan's curve; a plan has far fewer."""


def auction_fields(listed: Listed, now_ms: int, *, computed: bool = False) -> Fields:
    """One sale as it is at an instant."""
    auction, terms = listed.auction, listed.auction.terms
    turbo = terms.turbo
    fields: Fields = {
        "id": auction.id,
        "studio_id": auction.studio_id,
        "title": auction.title,
        "description": auction.description,
        "allowed_gender": auction.allowed_gender.value,
        "currency": auction.currency,
        "start_price": format_minor(terms.start_price),
        "floor_price": format_minor(terms.floor_price),
        "drop_amount": format_minor(terms.drop_amount),
        **_duration("drop_interval", terms.drop_every_ms),
        "start_time": instant(terms.starts_at_ms),
        "end_time": instant(terms.ends_at_ms),
        "scheduled_at": instant(terms.class_at_ms),
        "seats": terms.seats,
        "turbo_enabled": turbo is not None,
        "turbo_drop_amount": None if turbo is None else format_minor(turbo.amount),
        **_duration("turbo_trigger", None if turbo is None else turbo.trigger_ms),
        **_duration("turbo_interval", None if turbo is None else turbo.every_ms),
        "cancel_cutoff_secs": auction.cancel_cutoff_ms // 1_000,
        "status": auction.status_at(now_ms).value,
        "revision": auction.revision,
        "step": auction.step_at(now_ms),
        "current_price": format_minor(auction.price_at(now_ms)),
        **next_fields(auction, now_ms),
        "seats_left": auction.seats_left,
        "schedule": schedule_fields(auction.schedule),
        "turbo_started_at": optional_instant(auction.turbo_started_by(now_ms)),
        "studio": _venue(listed.venue),
    }
    if computed:
        fields["computedPrice"] = fields["current_price"]
        fields["priceDetails"] = _price_details(auction, now_ms)
    return fields


def detail_fields(shown: Shown, *, computed: bool = False) -> Fields:
    """One sale, and the server's clock beside it."""
    fields = auction_fields(shown.listed, shown.at_ms, computed=computed)
    fields["server_time"] = instant(shown.at_ms)
    return fields


def page_fields(page: Page, *, computed: bool) -> list[Fields]:
    """The rows of a list."""
    return [auction_fields(listed, page.at_ms, computed=computed) for listed in page.rows]


def history_items(history: History) -> list[Fields]:
    """Events in their order."""
    return [
        {
            "revision": past.revision,
            "type": past.kind,
            "at": instant(past.at_ms),
            "price": past.price,
            "actor": past.actor,
        }
        for past in history.events
    ]


def turbo_fields(answer: TurboAnswer) -> Fields:
    """What became of a request for turbo."""
    return {
        "triggered": answer.triggered,
        "reason": answer.reason.value,
        "turbo_started_at": optional_instant(answer.turbo_started_at_ms),
        "remaining_minutes": answer.remaining_minutes,
    }


def plan_fields(terms: Terms) -> Fields:
    """What to enter so that a sale goes as planned, and how its price will fall."""
    turbo = terms.turbo
    return {
        "floor_price": format_minor(terms.floor_price),
        "drop_amount": format_minor(terms.drop_amount),
        "drop_interval_secs": terms.drop_every_ms // 1_000,
        "turbo_drop_amount": None if turbo is None else format_minor(turbo.amount),
        "turbo_trigger_secs": None if turbo is None else turbo.trigger_ms // 1_000,
        "turbo_interval_secs": None if turbo is None else turbo.every_ms // 1_000,
        "curve": [
            {"at": instant(change.at_ms), "price": format_minor(change.price)}
            for change in terms.schedule().curve(CURVE_POINTS_MAX)
        ],
    }


def price_reason(auction: Auction, now_ms: int) -> Reason:
    """Why the price is what it is. The end of a sale says more than how it went, and a floor that
    is reached more than that turbo is on: nothing falls any more."""
    match auction.status_at(now_ms):
        case Status.DRAFT | Status.SCHEDULED:
            return "not_started"
        case Status.SOLD:
            return "sold"
        case Status.EXPIRED:
            return "expired"
        case Status.CANCELLED:
            return "cancelled"
        case Status.ACTIVE:
            if auction.price_at(now_ms) == auction.terms.floor_price:
                return "floor_reached"
            return "active" if auction.turbo_started_by(now_ms) is None else "turbo"


def _price_details(auction: Auction, now_ms: int) -> Fields:
    normal, turbo = auction.counts_at(now_ms)
    return {
        "start_price": format_minor(auction.terms.start_price),
        "floor_price": format_minor(auction.terms.floor_price),
        "normal_drops": normal,
        "turbo_drops": turbo,
        "reason": price_reason(auction, now_ms),
    }


def _duration(name: str, ms: int | None) -> Fields:
    """Whole seconds, and minutes where they are whole."""
    if ms is None:
        return {f"{name}_secs": None, f"{name}_mins": None}
    mins, rest = divmod(ms, 60_000)
    return {f"{name}_secs": ms // 1_000, f"{name}_mins": None if rest else mins}


def _venue(venue: Venue) -> Fields:
    return {
        "id": venue.id,
        "name": venue.name,
        "address": venue.address,
        "google_maps_url": venue.google_maps_url,
        "zone": venue.zone,
    }
