"""The public REST API, as a client sees it: questions, answers, and refusals as errors.

Knows nothing of the server but its address.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import aiohttp
import orjson

T = TypeVar("T")
Fields = Mapping[str, Any]

TIMEOUT_S: Final = 20.0
"""Longer than the server takes to say that it does not know (10 s)."""
TRIES_MAX: Final = 4
PAUSE_S: Final = 1.0
"""After no answer at all."""


class Refusal(Exception):
    """The server said no. `status` is 0 on the live channel; `members` are the code's own."""

    def __init__(self, status: int, code: str, members: Fields) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.members = members

    @property
    def retryable(self) -> bool:
        return bool(self.members.get("retryable"))

    @property
    def retry_after_s(self) -> float:
        """How long to wait before asking again."""
        return float(self.members.get("retry_after_ms") or PAUSE_S * 1_000) / 1_000


class Unreachable(Exception):
    """There was no answer, or none that can be read."""


def open_session() -> aiohttp.ClientSession:
    """What all requests and sockets of the demo go through; the caller closes it."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S), cookie_jar=aiohttp.DummyCookieJar()
    )


class Api:
    """One server's API."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url

    async def ask(
        self,
        method: str,
        path: str,
        body: Fields | None = None,
        *,
        token: str | None = None,
        key: str | None = None,
    ) -> Any:
        """The answer's body, None if it is empty. Raises Refusal, Unreachable."""
        headers = {"Accept-Language": "en"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if key is not None:
            headers["Idempotency-Key"] = key
        raw = None
        if body is not None:
            raw = orjson.dumps(body)
            headers["Content-Type"] = "application/json"
        url = f"{self.url}/api/v1{path}"
        try:
            async with self.http.request(method, url, data=raw, headers=headers) as answer:
                said = await answer.read()
            fields = orjson.loads(said) if said else None
        except (aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError) as error:
            raise Unreachable(type(error).__name__) from error
        if answer.status < 400:
            return fields
        raise _refusal(answer.status, fields)


async def insist(act: Callable[[], Awaitable[T]], tries: int = TRIES_MAX) -> T:
    """Do it, and do it again where the server says that this may help, or says nothing.

    Raises the last Refusal or Unreachable. `act` has to be harmless when it is repeated.
    """
    for left in range(tries - 1, -1, -1):
        try:
            return await act()
        except Refusal as refusal:
            if not left or not refusal.retryable:
                raise
            wait_s = refusal.retry_after_s
        except Unreachable:
            if not left:
                raise
            wait_s = PAUSE_S
        await asyncio.sleep(wait_s)
    raise AssertionError("the last try returns or raises")


def _refusal(status: int, fields: Any) -> Refusal:
    if isinstance(fields, dict) and isinstance(fields.get("code"), str):
        return Refusal(status, fields["code"], fields)
    return Refusal(status, f"HTTP_{status}", {})
