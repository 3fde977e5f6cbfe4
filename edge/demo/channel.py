"""One connection to the live channel that is made anew whenever it breaks.

Keeps the protocol's manners: asks for the time, renews its token, comes back when and as the close
code says. Every frame is handed on in the order of its arrival, answers included, so that nothing
can come between a snapshot and the stream that follows it.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, Final

import aiohttp
import orjson

from edge.demo.account import Account
from edge.demo.api import TIMEOUT_S, Api, Fields, Refusal, Unreachable
from edge.demo.lateness import Lateness
from edge.wire.base import parse_instant

PROTOCOL: Final = "hothour.v1"
PINGS_AT_FIRST: Final = 4
PING_EVERY_S: Final = 30.0
ROUND_S: Final = 10.0
"""How often the token is looked at."""
CLOSE_TIMEOUT_S: Final = 2.0
WATCHED_MAX: Final = 200
"""Sales that one socket may watch at a time."""
_BACKOFF_S: Final = (0.5, 20.0)
_OFFSETS_MAX: Final = 8
_LOST: Final = 1006
_ON_TIME: Final = frozenset({"price_update", "turbo_triggered", "auction_updated"})
_NOT_BY_THE_CLOCK: Final = frozenset({"relisted", "edited", "cancelled", "resync"})


class SentAway(Exception):
    """The server closed with a code that says not to come back as one is."""


class Punctuality:
    """How late frames came, of all channels that share it."""

    def __init__(self) -> None:
        self.clock = Lateness()
        """Of drops, turbo, start and end, counted from their scheduled instants."""
        self.bookings = Lateness()
        """Of bookings, counted from the accepted instant: their commit is in it."""

    def heard(self, fields: Fields, arrived_ms: float, watched_since_ms: float) -> float | None:
        """Count a frame; how late it was, None if that says nothing: what took effect before
        anybody watched (a sale may be entered with a start in the past) came as soon as it could.
        """
        kind = fields["type"]
        on_time = kind in _ON_TIME and fields.get("reason") not in _NOT_BY_THE_CLOCK
        if not on_time and kind != "auction_booked":
            return None
        at_ms = parse_instant(fields["at"])
        if at_ms < watched_since_ms:
            return None
        late_ms = max(0.0, arrived_ms - at_ms)
        (self.clock if on_time else self.bookings).add(late_ms)
        return late_ms


class Channel:
    """`run` it; `ask` while it is connected; `hear` gets every frame, `opened` every new start."""

    def __init__(
        self,
        api: Api,
        *,
        mono_ms: Callable[[], float],
        rng: Random,
        hear: Callable[[Fields, float | None], None],
        opened: Callable[[], Awaitable[None]],
        punctuality: Punctuality,
        account: Account | None = None,
    ) -> None:
        """`hear` is told how late the frame was (ms), where that says something. Without an
        account the channel is an anonymous visitor's."""
        self._api = api
        self._mono_ms = mono_ms
        self._rng = rng
        self._hear = hear
        self._opened = opened
        self._punctuality = punctuality
        self._account = account
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._refs = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[tuple[Fields, float]]] = {}
        self._offsets: deque[tuple[float, float]] = deque(maxlen=_OFFSETS_MAX)
        self._offset_ms = 0.0
        self._token: str | None = None
        self._hellos = 0
        self._watched_since_ms: dict[int, float] = {}
        self.greeted = asyncio.Event()
        """Set once the server's clock is known."""

    def server_ms(self) -> float:
        """What the server's clock says now, as far as one can tell; once `greeted`."""
        return self._mono_ms() + self._offset_ms

    async def run(self) -> None:
        """Stay connected until cancelled. Raises SentAway, or Refusal for credentials that are
        not good any more."""
        failures = 0
        while True:
            hellos = self._hellos
            code = await self._connection()
            if 4000 <= code < 4100:
                raise SentAway(code)
            failures = 0 if self._hellos > hellos else failures + 1
            at_once = 4200 <= code < 4300 and not failures
            if not at_once:
                await asyncio.sleep(self._pause_s(failures))

    async def ask(self, kind: str, **fields: Any) -> Fields:
        """Say something and wait for the answer. Raises Refusal, Unreachable."""
        answer, _ = await self._ask(kind, fields)
        return answer

    async def hang_up(self) -> None:
        """Break the connection, if there is one; `run` makes another."""
        if self._ws is not None:
            await self._ws.close()

    def _pause_s(self, failures: int) -> float:
        """Longer each time, and never in step with others."""
        least_s, most_s = _BACKOFF_S
        return self._rng.uniform(least_s, max(least_s, min(most_s, 2.0**failures)))

    # --- one connection --------------------------------------------------------------------------

    async def _connection(self) -> int:
        """Until it ends; the close code."""
        try:
            headers = await self._credentials()
            async with self._api.http.ws_connect(
                f"{self._api.url}/ws",
                protocols=(PROTOCOL,),
                headers=headers,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
            ) as ws:
                return await self._listen(ws)
        except aiohttp.WSServerHandshakeError as error:
            if error.status == 401 and self._account is not None and self._token is not None:
                self._account.forget(self._token)
        except (aiohttp.ClientError, Unreachable, TimeoutError, OSError):
            pass
        except Refusal as refusal:
            if not refusal.retryable:
                raise
        return _LOST

    async def _credentials(self) -> dict[str, str]:
        if self._account is None:
            return {}
        self._token = await self._account.token()
        return {"Authorization": f"Bearer {self._token}"}

    async def _listen(self, ws: aiohttp.ClientWebSocketResponse) -> int:
        self._ws = ws
        keeper = asyncio.create_task(self._keep())
        try:
            async for message in ws:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._on_frame(orjson.loads(message.data), self._mono_ms())
        finally:
            self._ws = None
            keeper.cancel()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(Unreachable("the connection broke"))
            await asyncio.wait([keeper])
        return ws.close_code or _LOST

    def _on_frame(self, fields: dict[str, Any], arrived_ms: float) -> None:
        now_ms = arrived_ms + self._offset_ms
        match fields["type"]:
            case "hello":
                self._hellos += 1
                self._watched_since_ms.clear()
            case "subscribed":
                self._note_watched(fields, now_ms)
            case _:
                pass
        since_ms = self._watched_since_ms.get(fields.get("auction_id", 0), now_ms)
        self._hear(fields, self._punctuality.heard(fields, now_ms, since_ms))
        waiting = self._waiting.pop(fields["ref"], None) if "ref" in fields else None
        if waiting is not None and not waiting.done():
            waiting.set_result((fields, arrived_ms))

    def _note_watched(self, fields: Fields, now_ms: float) -> None:
        """The newest are remembered: a socket watches no more than that."""
        for snapshot in fields["snapshots"]:
            self._watched_since_ms.setdefault(snapshot["auction_id"], now_ms)
        while len(self._watched_since_ms) > WATCHED_MAX:
            del self._watched_since_ms[next(iter(self._watched_since_ms))]

    async def _ask(self, kind: str, fields: dict[str, Any]) -> tuple[Fields, float]:
        ws = self._ws
        if ws is None:
            raise Unreachable("not connected")
        ref = next(self._refs)
        answer = self._waiting[ref] = asyncio.get_running_loop().create_future()
        try:
            await ws.send_str(orjson.dumps({"type": kind, "ref": ref, **fields}).decode())
            async with asyncio.timeout(TIMEOUT_S):
                got, arrived_ms = await answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(type(error).__name__) from error
        finally:
            self._waiting.pop(ref, None)
        if got["type"] == "error":
            raise Refusal(0, got["code"], got)
        return got, arrived_ms

    # --- manners ---------------------------------------------------------------------------------

    async def _keep(self) -> None:
        """The clock first, then what the owner wants of a new connection, then the rounds."""
        try:
            for _ in range(PINGS_AT_FIRST):
                await self._ask_the_time()
            await self._opened()
            since_ping_s = 0.0
            while True:
                await asyncio.sleep(ROUND_S)
                await self._renew()
                since_ping_s += ROUND_S
                if since_ping_s >= PING_EVERY_S:
                    since_ping_s = 0.0
                    await self._ask_the_time()
        except (Refusal, Unreachable):
            await self.hang_up()  # without its start it is of no use: a new one tries again

    async def _ask_the_time(self) -> None:
        asked_ms = self._mono_ms()
        pong, heard_ms = await self._ask("ping", {"client_ms": asked_ms})
        there, back = pong["received_ms"] - asked_ms, pong["sent_ms"] - heard_ms
        self._offsets.append((heard_ms - asked_ms, (there + back) / 2))
        # The quickest answer knows best.
        self._offset_ms = min(self._offsets)[1]
        self.greeted.set()

    async def _renew(self) -> None:
        """Say the newest token, before the one the socket knows runs out."""
        if self._account is None:
            return
        token = await self._account.token()
        if token != self._token:
            self._token = token
            await self._ask("authenticate", {"token": token})
