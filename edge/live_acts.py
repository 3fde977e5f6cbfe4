"""What each message of a client does, and what it is answered with.

An act returns the fields of its answer or raises an error of the tree; in which form that travels
is conversation.py's. What is in memory is answered at once; only what is not makes its socket wait.
Decides nothing about auctions: a press goes to the auction's own mailbox.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from edge import ws_frames
from edge.connection import Socket
from edge.hub import Hub
from edge.meters import Meters
from edge.problems import code_of
from edge.routing import Principal
from edge.sessions import Sessions
from edge.topics import AuctionTopic
from edge.wire.live import (
    Authenticate,
    BookSeat,
    Known,
    Ping,
    SubscribeAuction,
    SubscribeLobby,
    SubscribeUser,
    UnsubscribeAuction,
    UnsubscribeLobby,
)
from engine import frames
from engine.domain.messages import Book, Booked, Message, Reply
from engine.errors import (
    AuthInvalid,
    Busy,
    EmailUnverified,
    Forbidden,
    HotHourError,
    LimitReached,
)
from engine.frames import instant
from engine.ports.clock import Clock
from engine.ports.commit import StoreError
from engine.ports.outbox import OutboxRow, OutboxStore
from engine.settings import Settings

PERSONAL = frozenset(("booking_confirmed", "reservation_updated", "notification"))
MISSED_PAGES_MAX = 20

Act = (
    Authenticate
    | SubscribeAuction
    | UnsubscribeAuction
    | SubscribeLobby
    | UnsubscribeLobby
    | SubscribeUser
    | Ping
)
"""Every message but a press."""
Fields = dict[str, Any]
Waits = Callable[[], Coroutine[Any, Any, Fields]]
"""An answer that has to wait for something; not begun, since its socket may be gone first."""


class Asks(Protocol):
    """The engine's way in: the directory."""

    def put(self, auction_id: int, message: Message) -> asyncio.Future[Reply]:
        """The auction's reply, its refusal or an error of errors.Unable, to come; raises what can
        be said at once."""


class Acts:
    """One a process."""

    def __init__(
        self,
        *,
        asks: Asks,
        hub: Hub,
        sessions: Sessions,
        outbox: OutboxStore,
        clock: Clock,
        settings: Settings,
        meters: Meters,
    ) -> None:
        self._asks = asks
        self._hub = hub
        self._sessions = sessions
        self._outbox = outbox
        self._clock = clock
        self._settings = settings
        self._meters = meters

    def act(self, socket: Socket, message: Act, heard_ms: int) -> Fields | Waits:
        """Do it; the answer's own fields, or what will have them if that has to wait. `heard_ms`:
        when it arrived. Both raise errors of the tree; this, TooManySockets."""
        match message:
            case Ping(client_ms):
                times = {"client_ms": client_ms, "received_ms": heard_ms}
                return {"type": "pong", **times, "sent_ms": self._clock.now_ms()}
            case SubscribeAuction():
                return self._subscribe(socket, message)
            case UnsubscribeAuction(auction_ids):
                for auction_id in auction_ids:
                    self._hub.leave(socket, auction_id)
                return _ok({})
            case SubscribeLobby():
                return _ok({"version": self._hub.lobby.join(socket)})
            case UnsubscribeLobby():
                self._hub.lobby.leave(socket)
                return _ok({})
            case SubscribeUser():
                return partial(self._subscribe_user, socket, message)
            case Authenticate(token):
                return _ok(_who(self._sessions.authenticate(socket, token)))

    # --- the press -------------------------------------------------------------------------------

    def press(self, socket: Socket, press: BookSeat, heard_ms: int) -> asyncio.Future[Reply]:
        """Put it into the auction's mailbox: `pressed` reads what comes back. Raises what can be
        said at once, which is what most hear in a rush."""
        try:
            principal = self._sessions.principal(socket, heard_ms)
            if principal.role != "customer":
                raise Forbidden()
            if not principal.verified:
                raise EmailUnverified()
            message = Book(principal.user_id, principal.gender, press.key, press.max_price)
            return self._asks.put(press.auction_id, message)
        except HotHourError as error:
            self._meters.booking("live", code_of(error))
            raise

    def pressed(self, reply: asyncio.Future[Reply]) -> Fields:
        """The answer's fields. Raises the refusal."""
        try:
            booked = reply.result()
        except HotHourError as error:
            self._meters.booking("live", code_of(error))
            raise
        assert isinstance(booked, Booked), "an auction answers Book with Booked or refuses"
        self._meters.booking("live", "booked")
        reservation = frames.reservation_fields(
            booked.reservation, booked.currency, booked.cancellable_until_ms
        )
        return _ok({**reservation, "replayed": booked.replayed})

    # --- auctions --------------------------------------------------------------------------------

    def _subscribe(self, socket: Socket, wanted: SubscribeAuction) -> Fields | Waits:
        with self._hub.held(wanted.auction_ids) as topics:
            if _to_load(topics, wanted.since):
                return partial(self._load_and_join, socket, wanted)
            return self._join(socket, wanted, topics, {})

    async def _load_and_join(self, socket: Socket, wanted: SubscribeAuction) -> Fields:
        with self._hub.held(wanted.auction_ids) as topics:
            loading = _to_load(topics, wanted.since)
            results = await asyncio.gather(*map(self._hub.load, loading))
            pairs = zip(loading, results, strict=True)
            failures = {t.key: error for t, error in pairs if error and t.auction is None}
            return self._join(socket, wanted, topics, failures)

    def _join(
        self,
        socket: Socket,
        wanted: SubscribeAuction,
        topics: Sequence[AuctionTopic],
        failures: Mapping[int, HotHourError],
    ) -> Fields:
        # Nothing awaits here: what is joined is what the snapshot shows.
        snapshots: list[Fields] = []
        current: list[int] = []
        rejected: list[Fields] = []
        for topic in topics:
            failure = failures.get(topic.key) or self._no_room(socket, topic)
            if failure is not None:
                rejected.append({"auction_id": topic.key, "code": failure.code})
                continue
            self._hub.join(socket, topic, ticks=wanted.ticks)
            if self._is_current(topic, wanted.since.get(topic.key), ticks=wanted.ticks):
                current.append(topic.key)
            else:
                snapshots.append(self._snapshot(topic))
        lists = {"snapshots": snapshots, "current": current, "rejected": rejected}
        return {"type": "subscribed", **lists}

    def _no_room(self, socket: Socket, topic: AuctionTopic) -> HotHourError | None:
        full = len(socket.auctions) >= self._settings.live_subscriptions_max
        return LimitReached() if full and topic.key not in socket.auctions else None

    def _is_current(self, topic: AuctionTopic, known: Known | None, *, ticks: bool) -> bool:
        assert topic.auction is not None, "joined with a view"
        if known is None or known.revision != topic.auction.revision:
            return False
        # Who draws drops by itself misses none; the others have to name the last one they saw.
        return not ticks or known.step == topic.auction.step_at(self._clock.now_ms())

    def _snapshot(self, topic: AuctionTopic) -> Fields:
        assert topic.auction is not None, "joined with a view"
        return frames.snapshot(topic.auction, self._clock.now_ms(), len(topic.marks))

    # --- one's own news --------------------------------------------------------------------------

    async def _subscribe_user(self, socket: Socket, wanted: SubscribeUser) -> Fields:
        principal = self._sessions.principal(socket, self._clock.now_ms())
        user_id = principal.user_id
        if wanted.user_id not in (None, user_id):
            raise Forbidden()
        # First what comes from now on, then what was missed: overlapping rather than skipping.
        followed = self._hub.follows(socket, user_id)
        self._hub.follow(socket, user_id)
        try:
            last_id = await self._outbox.latest(user_id)
            if wanted.since is not None:
                last_id = await self._send_missed(socket, user_id, wanted.since, last_id)
        except StoreError as error:
            if not followed:
                self._hub.unfollow(socket, user_id)
            raise Busy() from error
        if not self._hub.follows(socket, user_id):  # the session was ended meanwhile
            raise AuthInvalid()
        return _ok({"last_event_id": last_id})

    async def _send_missed(self, socket: Socket, user_id: int, since: int, last_id: int) -> int:
        """Send again what came after `since`; up to which id everything is sent."""
        page_max = self._settings.outbox_batch_max
        for _ in range(MISSED_PAGES_MAX):
            rows = await self._outbox.missed(user_id, since, page_max)
            if not self._hub.follows(socket, user_id):
                return since
            for row in rows:
                self._send_notice(socket, row)
            newest = max((row.id for row in rows), default=since)
            if len(rows) < page_max or newest <= since:
                return max(newest, last_id)
            since = newest
        return since

    def _send_notice(self, socket: Socket, row: OutboxRow) -> None:
        if row.topic in PERSONAL:
            frame = frames.personal(row.topic, row.id, row.payload)
            self._hub.writer.write(socket, ws_frames.text(frame.payload))


def _ok(result: Fields) -> Fields:
    return {"type": "ok", "result": result}


def _who(principal: Principal) -> Fields:
    return {
        "user_id": principal.user_id,
        "role": principal.role,
        "expires_at": instant(principal.expires_at_ms),
    }


def _to_load(topics: Sequence[AuctionTopic], since: Mapping[int, Known]) -> list[AuctionTopic]:
    """Of which there is no view here, or an older one than the client has seen."""
    return [t for t in topics if t.auction is None or _is_behind(t, since.get(t.key))]


def _is_behind(topic: AuctionTopic, known: Known | None) -> bool:
    """The client has seen a revision that this node has not: a frame was lost on the way here."""
    assert topic.auction is not None, "asked after that"
    return known is not None and known.revision > topic.auction.revision
