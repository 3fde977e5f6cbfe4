"""Makes responses: of replies, of errors, with every header they owe.

Heads that do not depend on the request are bytes, made once; an answer adds its own lines. Must
never let an answer out without its request id, its security headers and, when a token was involved,
`no-store`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from edge import problems
from edge.routing import Reply
from edge.texts import LANGUAGES, Language
from edge.whole import Whole, header_lines
from engine.errors import AuthRequired, HotHourError

JSON: Final = "application/json"
SERVER: Final = "hothour"
HSTS: Final = "max-age=31536000"
PREFLIGHT_MAX_AGE_S: Final = 600

SECURITY: Final[Mapping[str, str]] = {
    "Server": SERVER,  # else aiohttp tells its version
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer of the API. Pages bring a Content-Security-Policy of their own."""

NO_STORE: Final = {"Cache-Control": "no-store"}
EXPOSED: Final = (
    "ETag, Idempotency-Replayed, Link, Lobby-Version, Retry-After, WWW-Authenticate, X-Request-ID"
)
ACCEPTED: Final = (
    "Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match,"
    " X-Request-ID"
)
_SAFE: Final = frozenset({"GET", "HEAD"})


class Answers:
    """Builds the responses of one server."""

    def __init__(self, *, allowed_origins: Iterable[str] = (), secure: bool = False) -> None:
        """`allowed_origins`: other origins whose pages may call. `secure`: guests come by TLS."""
        self._origins = frozenset(allowed_origins)
        base = dict(SECURITY)
        if secure:
            base["Strict-Transport-Security"] = HSTS
        if self._origins:
            base["Vary"] = "Origin"
        self.base: Final[Mapping[str, str]] = base
        """What every answer owes, for pages that build their own."""
        json = {**base, "Content-Type": JSON}
        self._json = header_lines(json)
        self._private_json = header_lines(json | NO_STORE)
        self._problems = {each: header_lines(self._problem_head(each)) for each in LANGUAGES}

    def _problem_head(self, language: Language) -> dict[str, str]:
        vary = {"Vary": "Accept-Language, Origin" if self._origins else "Accept-Language"}
        own = {"Content-Type": problems.CONTENT_TYPE, "Content-Language": language}
        return {**self.base, **own, **NO_STORE, **vary}

    def of(self, reply: Reply, request: web.Request, request_id: str) -> web.StreamResponse:
        """The response to a handler's reply."""
        private = "Authorization" in request.headers
        body = reply.body
        if type(body) is not bytes:
            body = b"" if body is None else orjson.dumps(body)
        if reply.headers or reply.body is None or reply.content_type != JSON:
            lines = header_lines(self._own_head(reply, private))
        elif private or request.method not in _SAFE:
            lines = self._private_json
        else:
            lines = self._json
        return Whole(reply.status, lines + self._asked(request, request_id), body)

    def _own_head(self, reply: Reply, private: bool) -> dict[str, str]:
        own = {} if reply.body is None else {"Content-Type": reply.content_type}
        return {**self.base, **own, **reply.headers, **(NO_STORE if private else {})}

    def refusal(
        self,
        error: HotHourError,
        request: web.Request,
        request_id: str,
        language: Language,
        more: Mapping[str, str] | None = None,
    ) -> web.StreamResponse:
        """The problem that an error is over HTTP, with `more` headers."""
        status, body = problems.encoded(
            error, language=language, request_id=request_id, instance=request.rel_url.raw_path
        )
        lines = self._problems[language] + self._asked(request, request_id)
        if status == 401:
            lines += _challenge(error)
        if (after_s := problems.retry_after_s(error)) is not None:
            lines += b"Retry-After: %d\r\n" % after_s
        if more:
            lines += header_lines(more)
        return Whole(status, lines, body)

    def finish(self, response: web.StreamResponse, request_id: str) -> None:
        """Give a response that was built elsewhere what it still owes. Its own headers win."""
        if isinstance(response, Whole):  # built here
            return
        own = response.headers
        for name, value in self.base.items():
            own.setdefault(name, value)
        own["X-Request-ID"] = request_id

    def preflight(
        self, request: web.Request, request_id: str, allow: str
    ) -> web.StreamResponse | None:
        """The answer to OPTIONS; None when a foreign page asks that may not call at all.

        `allow`: the methods of the path, as an Allow header.
        """
        given = request.headers
        head: dict[str, Any] = {**self.base, "Allow": allow, "X-Request-ID": request_id}
        if (origin := given.get("Origin")) and "Access-Control-Request-Method" in given:
            if origin not in self._origins:
                return None
            head["Access-Control-Allow-Origin"] = origin
            head["Access-Control-Allow-Methods"] = allow
            head["Access-Control-Allow-Headers"] = ACCEPTED
            head["Access-Control-Max-Age"] = str(PREFLIGHT_MAX_AGE_S)
        return Whole(204, header_lines(head), b"")

    def _asked(self, request: web.Request, request_id: str) -> bytes:
        """The lines that depend on who asks. Request ids and allowed origins are safe as they are:
        the one was checked, the other is ours."""
        if self._origins and (origin := request.headers.get("Origin")) in self._origins:
            return (
                f"X-Request-ID: {request_id}\r\nAccess-Control-Allow-Origin: {origin}\r\n"
                f"Access-Control-Expose-Headers: {EXPOSED}\r\n"
            ).encode()
        return b"X-Request-ID: %b\r\n" % request_id.encode()


def _challenge(error: HotHourError) -> bytes:
    if isinstance(error, AuthRequired):
        return b'WWW-Authenticate: Bearer realm="hothour"\r\n'
    return b'WWW-Authenticate: Bearer realm="hothour", error="invalid_token"\r\n'
