"""What answers about auctions hold, for the OpenAPI document and for tests.

The answers themselves are plain dicts built in edge/rest/auction_fields.py.
"""

from typing import Literal

from pydantic import Field

from edge.wire.base import Answer, Id, Instant, Price
from engine.domain.auction import AllowedGender, Status
from engine.domain.decision import EventKind
from engine.domain.messages import TurboReason

Reason = Literal["not_started", "active", "turbo", "floor_reached", "sold", "expired", "cancelled"]


class DropAnswer(Answer):
    """`amount` less at `from` + each whole multiple of `every_ms`, counted from one."""

    from_: Instant = Field(alias="from")
    every_ms: int
    amount: Price


class ScheduleAnswer(Answer):
    """All it takes to compute the price at any instant."""

    starts_at: Instant
    ends_at: Instant
    start_price: Price
    floor_price: Price
    drops: list[DropAnswer]


class VenueAnswer(Answer):
    """Where the class takes place."""

    id: Id
    name: str
    address: str
    google_maps_url: str | None
    zone: str


class PriceDetailsAnswer(Answer):
    """How the current price came about; drops are counts."""

    start_price: Price
    floor_price: Price
    normal_drops: int
    turbo_drops: int
    reason: Reason


class AuctionRowAnswer(Answer):
    """One sale in a list."""

    id: Id
    studio_id: Id
    title: str
    description: str
    allowed_gender: AllowedGender
    currency: str
    start_price: Price
    floor_price: Price
    drop_amount: Price
    drop_interval_secs: int
    drop_interval_mins: int | None = Field(description="null when not whole")
    start_time: Instant
    end_time: Instant
    scheduled_at: Instant
    seats: int
    turbo_enabled: bool
    turbo_drop_amount: Price | None
    turbo_trigger_secs: int | None
    turbo_trigger_mins: int | None
    turbo_interval_secs: int | None
    turbo_interval_mins: int | None
    cancel_cutoff_secs: int = Field(
        description="Up to this long before the class a guest may give the seat back"
    )
    status: Status
    revision: int
    step: int
    current_price: Price
    next_price: Price | None
    next_drop_at: Instant | None
    seats_left: int
    schedule: ScheduleAnswer
    turbo_started_at: Instant | None
    studio: VenueAnswer
    computedPrice: Price | None = Field(None, description="With include_computed")
    priceDetails: PriceDetailsAnswer | None = Field(None, description="With include_computed")


class AuctionAnswer(AuctionRowAnswer):
    """One sale."""

    server_time: Instant


class AuctionCreatedAnswer(AuctionAnswer):
    """A new sale, and what about it is allowed but probably not meant."""

    warnings: list[Literal["TURBO_DROP_LARGE"]]


class TurboTriggerAnswer(Answer):
    """What became of a request for turbo."""

    triggered: bool
    reason: TurboReason
    turbo_started_at: Instant | None
    remaining_minutes: int = Field(description="Whole minutes to the end of the sale")


class BroadcastAnswer(Answer):
    """The price was said once more to whoever watches."""

    auction_id: Id
    current_price: Price
    broadcast: Literal[True]


class PastAnswer(Answer):
    """One committed event."""

    revision: int
    type: EventKind
    at: Instant
    price: Price
    actor: str = Field(description='"user:<id>", or "clock"')


class HistoryAnswer(Answer):
    """A page of a sale's past, oldest first."""

    items: list[PastAnswer]
    next_cursor: str | None


class PointAnswer(Answer):
    """From `at` on the price is `price`."""

    at: Instant
    price: Price


class PlanAnswer(Answer):
    """What to enter so that the last drop reaches the floor, and none before it."""

    floor_price: Price
    drop_amount: Price
    drop_interval_secs: int
    turbo_drop_amount: Price | None
    turbo_trigger_secs: int | None
    turbo_interval_secs: int | None
    curve: list[PointAnswer]
