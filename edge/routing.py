"""A route as a value: what it takes, who may call it, what it answers.

One table of these is the whole REST side: edge/pipeline.py makes aiohttp handlers of it (composed
once, at start), edge/openapi.py the document, and the permission tests their matrix. A handler sees
a `Call` and returns a `Reply`; it decides nothing that belongs to the engine.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from multidict import CIMultiDictProxy
from pydantic import BaseModel

from engine.errors import HotHourError


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, from a verified access token."""

    user_id: int
    role: str
    """customer, desk, studio_admin or platform_admin."""
    studio_id: int | None
    gender: str | None
    verified: bool
    session_id: str
    expires_at_ms: int

    @property
    def is_staff(self) -> bool:
        """studio_admin (of `studio_id`) or platform_admin."""
        return self.role in ("studio_admin", "platform_admin")


class Access(Enum):
    """Who may call a route at all. Whose thing it is, is a second question (foreign: 404)."""

    PUBLIC = "all"
    """Anyone; a token is looked at if sent, and a bad one is refused."""
    USER = "any signed-in user"
    CUSTOMER = "customer"
    DESK = "desk, studio_admin, platform_admin"
    STAFF = "studio_admin, platform_admin"
    PLATFORM = "platform_admin"


class Lane(Enum):
    """Which rate limit counts a call, beside the general one of its address."""

    NONE = "none"
    BOOK = "book"
    LOGIN = "login"
    CODE = "code"


@dataclass(slots=True)
class Call:
    """One request, checked: its form is right and its caller may call this route."""

    principal: Principal | None
    path: Mapping[str, Any]
    """Path parameters; ids as int."""
    query: Any
    """An instance of the route's query model, or None."""
    body: Any
    """An instance of the route's body model, or None."""
    headers: CIMultiDictProxy[str]
    language: str
    """"tr" or "en"."""
    request_id: str
    key: str | None
    """The Idempotency-Key, its form checked."""
    address: str
    """The client's address, trusted proxies considered."""

    @property
    def user(self) -> Principal:
        """The caller of a route that is not PUBLIC."""
        assert self.principal is not None, "the route's access demands a token"
        return self.principal


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answers. `body`: plain JSON values (dict or list), bytes sent as they are
    under the `content_type`, or None for an empty answer."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path under /api/v1."""

    method: str
    path: str
    """aiohttp's form, without the prefix and without trailing slash: "/auctions/{auction_id}".
    Parameters ending in `_id` are integers; a value that is none is 404."""
    handler: Handler
    access: Access
    summary: str
    tag: str
    body: type[BaseModel] | None = None
    parse: Callable[[bytes], Any] | None = None
    """Reads the raw body instead of pydantic, for a route that has no time; raises `Invalid`.
    `body` then only describes it."""
    query: type[BaseModel] | None = None
    status: int = 200
    answer: Any = None
    """The model (or a type such as list[Model]) of the answer's body; None: empty, or bytes."""
    content_type: str = "application/json"
    codes: tuple[type[HotHourError], ...] = ()
    """Errors of its own, beside those every route can answer."""
    lane: Lane = Lane.NONE
    body_optional: bool = False
    conditional: bool = False
    """A GET that has an ETag and answers 304 to an If-None-Match that names it."""
    remembers_key: bool = False
    """The pipeline keeps its committed answers under the Idempotency-Key. Bookings keep theirs on
    the reservation and leave this off."""
