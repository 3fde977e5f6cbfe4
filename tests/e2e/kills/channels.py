"""The two ways a guest presses: REST and the live channel. None as an answer: it got lost.

Lost is everything after which a guest cannot know: no connection, a cut one, a time-out, bytes
that are no answer. A channel never tries again by itself.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import aiohttp
import orjson

from tests.e2e.kills.asked import Answer
from tests.e2e.program import Guest

Answers = list[Answer | None]
_SETTLES_NOTHING = (aiohttp.ClientError, OSError, TimeoutError, orjson.JSONDecodeError)


class Channel(Protocol):
    """How one guest presses."""

    async def press(self, url: str, auction_id: int, keys: Sequence[str]) -> Answers:
        """Send all keys at once; what came back for each."""

    async def close(self) -> None:
        """Hang up."""


class Rest:
    """A request a key."""

    def __init__(self, session: aiohttp.ClientSession, guest: Guest, patience_s: float) -> None:
        self._session = session
        self._guest = guest
        self._timeout = aiohttp.ClientTimeout(total=patience_s)

    async def press(self, url: str, auction_id: int, keys: Sequence[str]) -> Answers:
        return list(await asyncio.gather(*(self._one(url, auction_id, key) for key in keys)))

    async def _one(self, url: str, auction_id: int, key: str) -> Answer | None:
        headers = {"Authorization": f"Bearer {self._guest.token}", "Idempotency-Key": key}
        with suppress(*_SETTLES_NOTHING):
            async with self._session.post(
                f"{url}/api/v1/reservations/book",
                json={"auction_id": auction_id},
                headers=headers,
                timeout=self._timeout,
            ) as answer:
                body: dict[str, Any] = orjson.loads(await answer.read())
                if answer.status == 201:
                    return Answer("BOOKED", body, "Idempotency-Replayed" in answer.headers)
                return Answer(body["code"], body, retryable=body["retryable"])
        return None

    async def close(self) -> None:
        """Its connections are the session's."""


class Live:
    """One socket, opened when it is needed and again when it was lost."""

    def __init__(self, session: aiohttp.ClientSession, guest: Guest, patience_s: float) -> None:
        self._session = session
        self._guest = guest
        self._patience_s = patience_s
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._url = ""
        self._ref = 0

    async def press(self, url: str, auction_id: int, keys: Sequence[str]) -> Answers:
        found: dict[int, Answer] = {}
        refs: dict[int, str] = {}
        try:
            async with asyncio.timeout(self._patience_s):
                socket = await self._opened(url)
                for key in keys:
                    self._ref += 1
                    refs[self._ref] = key
                    await socket.send_json(
                        {
                            "type": "book",
                            "ref": self._ref,
                            "auction_id": auction_id,
                            "idempotency_key": key,
                        }
                    )
                while len(found) < len(refs):
                    frame = await socket.receive_json()
                    if frame.get("ref") in refs:
                        found[frame["ref"]] = _answer(frame)
        except (*_SETTLES_NOTHING, TypeError):  # TypeError: a close frame where text was due
            await self.close()
        answers: Answers = [found.get(ref) for ref in refs]
        return answers + [None] * (len(keys) - len(answers))

    async def _opened(self, url: str) -> aiohttp.ClientWebSocketResponse:
        if self._socket is not None and self._url == url and not self._socket.closed:
            return self._socket
        await self.close()
        headers = {"Authorization": f"Bearer {self._guest.token}"}
        self._socket = await self._session.ws_connect(f"{url}/ws", headers=headers)
        self._url = url
        return self._socket

    async def close(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            with suppress(*_SETTLES_NOTHING):
                async with asyncio.timeout(1):
                    await socket.close()


def _answer(frame: dict[str, Any]) -> Answer:
    if frame["type"] == "ok":
        return Answer("BOOKED", frame["result"], frame["result"]["replayed"])
    return Answer(frame["code"], frame, retryable=frame["retryable"])
