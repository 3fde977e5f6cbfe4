"""A Socket.IO room an auction: whoever watches is told each drop, and that it is sold."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import socketio

from loadtests.peers.seed_stack.pricing import Schedule, decimal
from loadtests.peers.seed_stack.store import Refused, Reservation, Store


class Rooms:
    """Who watches what, and one task an auction that somebody watches."""

    def __init__(self) -> None:
        self.server = socketio.AsyncServer(async_mode="asgi")
        self._store: Store | None = None
        self._watching: dict[str, int] = {}
        self._tellers: dict[int, asyncio.Task[None]] = {}

    def open(self, store: Store) -> None:
        """Let watchers in."""
        self._store = store
        self.server.on("watch", self._watch)
        self.server.on("disconnect", self._leave)

    async def tell_sold(self, reservation: Reservation) -> None:
        """To everybody in its room."""
        fields = {"auction_id": reservation.auction_id, "price": decimal(reservation.price)}
        await self.server.emit("auction_booked", fields, room=_room(reservation.auction_id))

    async def stop(self) -> None:
        """Tell nothing any more."""
        for teller in self._tellers.values():
            teller.cancel()
        await asyncio.gather(*self._tellers.values(), return_exceptions=True)

    async def _watch(self, sid: str, wish: Any) -> None:
        assert self._store is not None, "opened"
        auction_id = wish.get("auction_id") if isinstance(wish, dict) else None
        try:
            if not isinstance(auction_id, int):
                raise Refused(422, "INVALID")
            schedule = await self._store.schedule(auction_id)
        except Refused as refused:
            await self.server.emit("refused", {"code": refused.code}, to=sid)
            return
        await self.server.enter_room(sid, _room(auction_id))
        self._watching[sid] = auction_id
        if auction_id not in self._tellers:
            teller = asyncio.create_task(self._tell(auction_id, schedule))
            self._tellers[auction_id] = teller
        now = datetime.now(UTC)
        await self.server.emit("auction", _fields(auction_id, schedule, now), to=sid)

    async def _leave(self, sid: str, _reason: str) -> None:
        auction_id = self._watching.pop(sid, None)
        if auction_id is not None and auction_id not in self._watching.values():
            self._tellers.pop(auction_id).cancel()

    async def _tell(self, auction_id: int, schedule: Schedule) -> None:
        """The price at each drop."""
        told = datetime.now(UTC)
        while (now := datetime.now(UTC)) < schedule.ends_at:
            due = schedule.next_drop_at(told)
            if now < due:
                await asyncio.sleep((due - now).total_seconds())
                continue  # a timer may be early
            told = now
            fields = _fields(auction_id, schedule, now)
            await self.server.emit("price_update", fields, room=_room(auction_id))


def _fields(auction_id: int, schedule: Schedule, now: datetime) -> dict[str, Any]:
    due = schedule.next_drop_at(now)
    return {
        "auction_id": auction_id,
        "at": now.isoformat(timespec="milliseconds"),
        "current_price": decimal(schedule.price_at(now)),
        "next_price": decimal(schedule.price_at(due)),
        "next_drop_at": due.isoformat(timespec="milliseconds"),
    }


def _room(auction_id: int) -> str:
    return f"auction:{auction_id}"
