"""What /studios takes and answers. Which values are sound, the engine says (catalog/studios.py)."""

from typing import Annotated, Any

from pydantic import Field

from edge.wire.auctions import Cursor, Limit, Whole
from edge.wire.base import Answer, Body, Id, Query

Text = Annotated[str, Field(max_length=4_000)]


class StudioChanges(Body):
    """Fields of a studio to change; what is left out stays as it is.

    null stands for "none" where there can be none (map link, cap), else for "left out".
    """

    name: Text | None = None
    address: Text | None = None
    google_maps_url: Text | None = Field(None, description="https only; null: none")
    zone: Text | None = Field(None, examples=["Europe/Istanbul"])
    currency: Text | None = Field(None, examples=["TRY"])
    cancel_cutoff_secs: Whole | None = Field(
        None, description="Up to this long before a class a guest may give a seat back"
    )
    no_show_grace_secs: Whole | None = Field(
        None, description="Nobody is called a no-show sooner after a class has begun"
    )
    max_open_reservations: Whole | None = Field(None, description="null: no cap of our own")

    def changes(self) -> dict[str, Any]:
        """What was said, under the engine's names."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        return {
            _ENGINE_NAMES.get(name, name): value
            for name, value in said.items()
            if value is not None or name in _MAY_BE_NONE
        }


class StudioListQuery(Query):
    """A page of studios."""

    limit: Limit = 50
    cursor: Cursor | None = None


class StudioAnswer(Answer):
    """One studio: what it says about itself, and its policies."""

    id: Id
    name: str
    address: str
    google_maps_url: str | None
    zone: str
    currency: str
    cancel_cutoff_secs: int
    no_show_grace_secs: int
    max_open_reservations: int | None


class StudioListAnswer(Answer):
    """Studios in order of their ids."""

    items: list[StudioAnswer]
    next_cursor: str | None


_ENGINE_NAMES = {
    "cancel_cutoff_secs": "cancel_cutoff_s",
    "no_show_grace_secs": "no_show_grace_s",
}
_MAY_BE_NONE = frozenset({"google_maps_url", "max_open_reservations"})
