"""One route, ready to serve: from a request to its answer, in the order that is the contract.

Id and language; the address's limit; form (encoding, path, query, body, key: 415, 404, 422, 408,
413); token (401); role (403); the lane's limit; then the handler. An error becomes a problem,
anything unforeseen a logged INTERNAL. Composed once, at start: on a hot route each step is one call
on values that were put together before. Decides nothing that belongs to the engine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol

from aiohttp import web
from structlog.typing import FilteringBoundLogger

from edge import problems
from edge.addresses import Addresses
from edge.answering import Answers
from edge.incoming import RequestIds, checked_key, language_of, path_reader
from edge.metrics import Metrics
from edge.ratelimit import RateLimits
from edge.reading import BodyReader, ClientGone, Limits, query_reader
from edge.remembering import Remembering, fingerprint
from edge.routing import Access, Call, Lane, Principal, Reply, Route
from edge.texts import Language
from engine.errors import (
    AuthRequired,
    Busy,
    Forbidden,
    HotHourError,
    Internal,
    NotFound,
    UnknownOutcome,
    UnsupportedMediaType,
)
from engine.ports.commit import Ambiguous, Unavailable


class Authenticator(Protocol):
    """Knows tokens."""

    def principal(self, authorization: str) -> Principal:
        """Who an Authorization header stands for. Raises AuthInvalid or AuthExpired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What every endpoint of a server works with."""

    authenticator: Authenticator
    answers: Answers
    addresses: Addresses
    rate_limits: RateLimits
    remembering: Remembering
    metrics: Metrics
    request_ids: RequestIds
    body_limits: Limits
    mono_ns: Callable[[], int]
    log: FilteringBoundLogger


ROLES: Final[dict[Access, frozenset[str]]] = {
    Access.CUSTOMER: frozenset({"customer"}),
    Access.DESK: frozenset({"desk", "studio_admin", "platform_admin"}),
    Access.STAFF: frozenset({"studio_admin", "platform_admin"}),
    Access.PLATFORM: frozenset({"platform_admin"}),
}
"""Who may call at all. PUBLIC and USER ask for no role."""
_NO_PATH: Final[Mapping[str, Any]] = MappingProxyType({})


class Endpoint:
    """Serves one method of one path."""

    def __init__(self, route: Route, pattern: str, tools: Tools) -> None:
        """`pattern`: the whole path, as metrics and logs name it."""
        self._route = route
        self._tools = tools
        self._name = f"{route.method} {pattern}"
        self._tally = tools.metrics.tally(route.method, pattern)
        self._roles = ROLES.get(route.access)
        self._token_needed = route.access is not Access.PUBLIC
        lost = next((each for each in route.codes if issubclass(each, NotFound)), NotFound)
        self._read_path = path_reader(route.path, lost)
        self._read_query = query_reader(route.query)
        self._body = (
            BodyReader(tools.body_limits, route.body, route.body_optional, route.parse)
            if route.body is not None
            else None
        )

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The aiohttp handler."""
        tools = self._tools
        started_ns = tools.mono_ns()
        request_id = tools.request_ids.of(request.headers.get("X-Request-ID"))
        language = language_of(request.headers.get("Accept-Language"))
        try:
            reply = await self._reply(request, request_id, language)
            response = tools.answers.of(reply, request, request_id)
            if self._route.lane is Lane.BOOK:
                tools.metrics.booking("rest", "booked")
        except ClientGone:
            raise
        except Exception as error:  # the last line: whatever it was, the guest hears a typed answer
            # Not kept in this frame, which is in its traceback: a cycle a loser, for the collector.
            response = self._refused(as_known(error), error, request, request_id, language)
        self._tally.add(response.status, (tools.mono_ns() - started_ns) / 1e9)
        return response

    def _refused(
        self,
        known: HotHourError,
        error: Exception,
        request: web.Request,
        request_id: str,
        language: Language,
    ) -> web.StreamResponse:
        """The answer to what was raised, counted, and logged if nobody foresaw it."""
        tools, outcome = self._tools, problems.code_of(known)
        if isinstance(known, Internal):
            tools.log.error(
                "request failed", request_id=request_id, route=self._name, exc_info=error
            )
        tools.metrics.problem(outcome)
        if self._route.lane is Lane.BOOK:
            tools.metrics.booking("rest", outcome)
        return tools.answers.refusal(known, request, request_id, language)

    async def _reply(self, request: web.Request, request_id: str, language: Language) -> Reply:
        tools, route, headers = self._tools, self._route, request.headers
        address = tools.addresses.client(request.remote, headers)
        tools.rate_limits.request(address)
        if "Content-Encoding" in headers:
            raise UnsupportedMediaType
        path = self._read_path(request.match_info) if self._read_path else _NO_PATH
        query = self._read_query(request, language)
        body, raw = None, b""
        if self._body is not None:
            taken = self._body.taken(request)
            raw = await self._body.awaited(request) if taken is None else taken
            body = self._body.read(request, raw, language)
        key = checked_key(headers.get("Idempotency-Key"))
        principal = self._principal(headers.get("Authorization"))
        if route.lane is not Lane.NONE:
            user_id = None if principal is None else principal.user_id
            tools.rate_limits.lane(route.lane, address, user_id)
        call = Call(principal, path, query, body, headers, language, request_id, key, address)
        if route.remembers_key and key is not None and principal is not None:
            same = fingerprint(route.method, request.path, request.query_string, raw)
            return await tools.remembering.once(call, same, route.handler)
        return await route.handler(call)

    def _principal(self, authorization: str | None) -> Principal | None:
        if authorization is None:
            if self._token_needed:
                raise AuthRequired
            return None
        principal = self._tools.authenticator.principal(authorization)
        if self._roles is not None and principal.role not in self._roles:
            raise Forbidden
        return principal


def as_known(error: Exception) -> HotHourError:
    """An error as guests may hear of it."""
    match error:
        case HotHourError():
            return error
        case Unavailable():
            return Busy()
        case Ambiguous():
            return UnknownOutcome()
        case _:
            return Internal()
