"""What requests about auctions may hold: bodies and query parameters.

Form only; the rules of the product are the engine's. A duration comes in seconds or, as the first
clients sent it, in minutes: never both.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, StrictBool

from edge.wire.base import Body, Id, IdIn, InstantIn, PriceIn, Query
from edge.wire.cursor import CURSOR_CHARS_MAX
from engine.catalog.drafting import Asked
from engine.catalog.planning import PlanAsked
from engine.domain.auction import AllowedGender, Status
from engine.errors import FieldError, Invalid

REASON_CHARS_MAX: Final = 500

Title = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Description = Annotated[str, Field(max_length=4_000)]
Seats = Annotated[int, Field(strict=True, ge=1, le=500)]
Whole = Annotated[int, Field(strict=True)]
Cursor = Annotated[str, Field(max_length=CURSOR_CHARS_MAX)]
Limit = Annotated[int, Field(ge=1, le=100)]

_TURBO_NEEDED = "Required with turbo"


class AuctionChanges(Body):
    """Fields of a sale to change; what is left out, or null, stays as it is."""

    title: Title | None = None
    description: Description | None = None
    allowed_gender: AllowedGender | None = None
    start_price: PriceIn | None = None
    floor_price: PriceIn | None = None
    drop_amount: PriceIn | None = None
    drop_interval_secs: Whole | None = None
    drop_interval_mins: Whole | None = Field(None, description="Instead of drop_interval_secs")
    start_time: InstantIn | None = None
    end_time: InstantIn | None = None
    scheduled_at: InstantIn | None = Field(None, description="When the class itself begins")
    seats: Seats | None = None
    turbo_enabled: StrictBool | None = None
    turbo_drop_amount: PriceIn | None = Field(None, description=_TURBO_NEEDED)
    turbo_trigger_secs: Whole | None = None
    turbo_trigger_mins: Whole | None = Field(None, description="Instead of turbo_trigger_secs")
    turbo_interval_secs: Whole | None = None
    turbo_interval_mins: Whole | None = Field(None, description="Instead of turbo_interval_secs")

    def asked(self) -> Asked:
        """The same for the engine. Raises Invalid for a duration that is given twice."""
        return Asked(
            title=self.title,
            description=self.description,
            allowed_gender=self.allowed_gender,
            start_price=self.start_price,
            floor_price=self.floor_price,
            drop_amount=self.drop_amount,
            drop_every_ms=_ms(
                "drop_interval", secs=self.drop_interval_secs, mins=self.drop_interval_mins
            ),
            starts_at_ms=self.start_time,
            ends_at_ms=self.end_time,
            class_at_ms=self.scheduled_at,
            seats=self.seats,
            turbo_enabled=self.turbo_enabled,
            turbo_drop_amount=self.turbo_drop_amount,
            turbo_trigger_ms=_ms(
                "turbo_trigger", secs=self.turbo_trigger_secs, mins=self.turbo_trigger_mins
            ),
            turbo_every_ms=_ms(
                "turbo_interval", secs=self.turbo_interval_secs, mins=self.turbo_interval_mins
            ),
        )


class AuctionIn(AuctionChanges):
    """A new sale."""

    title: Title
    start_price: PriceIn
    floor_price: PriceIn
    drop_amount: PriceIn
    drop_interval_secs: Whole | None = Field(None, description="Default: 3600")
    start_time: InstantIn
    end_time: InstantIn
    scheduled_at: InstantIn | None = Field(None, description="Default: end_time")
    seats: Seats | None = Field(None, description="Default: 1")
    turbo_trigger_secs: Whole | None = Field(
        None, description="Default: 7200, at most the whole window"
    )
    turbo_interval_secs: Whole | None = Field(
        None, description="Default: 600, at most a second less than drop_interval_secs"
    )
    publish: StrictBool = Field(True, description="false: keep it as a DRAFT")
    studio_id: IdIn | None = Field(None, description="For a platform_admin alone, who has to say")


class CancelIn(Body):
    """Why a class is cancelled."""

    reason: Annotated[str, Field(max_length=REASON_CHARS_MAX)] | None = None


class TurboIn(Body):
    """Whether turbo is wanted before its time."""

    force: StrictBool = False


class PlanIn(Body):
    """What a sale shall look like; floor_price or discount_percent, not both."""

    start_price: PriceIn
    floor_price: PriceIn | None = None
    discount_percent: PriceIn | None = Field(None, description="Above 0 and below 100")
    start_time: InstantIn
    end_time: InstantIn
    turbo_enabled: StrictBool = False
    turbo_trigger_secs: Whole | None = None
    turbo_trigger_mins: Whole | None = Field(None, description="Instead of turbo_trigger_secs")

    def asked(self) -> PlanAsked:
        """The same for the engine. Raises Invalid for a duration that is given twice."""
        trigger_ms = _ms(
            "turbo_trigger", secs=self.turbo_trigger_secs, mins=self.turbo_trigger_mins
        )
        return PlanAsked(
            start_price=self.start_price,
            floor_price=self.floor_price,
            discount_percent=self.discount_percent,
            starts_at_ms=self.start_time,
            ends_at_ms=self.end_time,
            turbo_enabled=self.turbo_enabled,
            turbo_trigger_ms=trigger_ms,
        )


class DetailQuery(Query):
    """How one sale is shown."""

    include_computed: bool = False


class ListQuery(Query):
    """Which sales are listed, and how."""

    status: list[Status] = Field([], description="Default: SCHEDULED, ACTIVE, SOLD, end ahead")
    studio_id: Id | None = None
    q: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="Words in title or studio; case and accents do not matter"
    )
    price_max: PriceIn | None = Field(None, description="Against the current price")
    allowed_gender: AllowedGender | None = None
    scheduled_from: InstantIn | None = None
    scheduled_to: InstantIn | None = Field(None, description="Inclusive")
    sort: Literal[
        "start_time",
        "-start_time",
        "end_time",
        "-end_time",
        "scheduled_at",
        "-scheduled_at",
        "price",
        "-price",
    ] = "end_time"
    include_computed: bool = False
    limit: Limit = 50
    cursor: Cursor | None = None


class HistoryQuery(Query):
    """A page of a sale's past."""

    limit: Limit = 50
    cursor: Cursor | None = None


def _ms(name: str, *, secs: int | None, mins: int | None) -> int | None:
    if secs is not None and mins is not None:
        raise Invalid(
            f"{name} is given in seconds and in minutes.",
            (FieldError(f"{name}_mins", "DUPLICATE"),),
        )
    if mins is not None:
        return mins * 60_000
    return None if secs is None else secs * 1_000
