"""The lobby: what is on sale, as small changes at most one a second.

The list itself comes over HTTP and says which version it is as new as; here only rows that changed
are told, prices included. On one connection nothing is left out between two updates: who missed
some gets the rows they spoke of, in one. Follows at most `lobby_rows_max` auctions, and none by
itself: it hears of each through its publications.
"""

from collections.abc import Iterable

from edge import ws_frames
from edge.connection import Socket
from edge.fanout import Fanout
from edge.topics import Topic, Weight
from engine import frames
from engine.domain.auction import Auction, Status
from engine.ports.clock import Clock
from engine.settings import Settings
from engine.timers import Timer, Timers

LOBBY_KEY = 0
"""Its topic key; auctions' ids start at 1."""
ROWS_AN_UPDATE_MAX = 100
"""About 25 KB; more changed rows wait for the next update."""

_ON_SALE = (Status.SCHEDULED, Status.ACTIVE, Status.SOLD)


class _Row:
    __slots__ = ("auction", "due_ms", "told")

    def __init__(self, auction: Auction) -> None:
        self.auction = auction
        self.due_ms = 0
        """When the clock alone changes this row next."""
        self.told = 0
        """The delivery that last told it."""


class Lobby:
    """Rows on sale, what of them is still to be told, and the beat that tells it."""

    def __init__(self, *, fanout: Fanout, settings: Settings, clock: Clock, timers: Timers) -> None:
        self.topic = Topic(LOBBY_KEY)
        self._fanout = fanout
        self._settings = settings
        self._clock = clock
        self._timers = timers
        self._alarm: Timer | None = None
        # Whole seconds, and at most one update each: a later process starts with a higher one.
        self.version = clock.now_ms() // 1000
        self.changes = 0
        """Publications heard of so far."""
        self._rows: dict[int, _Row] = {}
        self._changed: dict[int, None] = {}
        self._removed: dict[int, None] = {}
        self._gone: dict[int, int] = {}
        """Rows removed lately, and the delivery that told it."""
        self._tidied_ms = 0

    def take(self, auction: Auction) -> None:
        """This is what the auction looks like from now on."""
        self.changes += 1
        row = self._rows.get(auction.id)
        if not _on_sale(auction, self._clock.now_ms()):
            if row is not None:
                self._remove(auction.id)
            return
        if row is None:
            if not self._has_room():
                return
            self._removed.pop(auction.id, None)
            self._gone.pop(auction.id, None)
            self._rows[auction.id] = _Row(auction)
        else:
            row.auction = auction
        self._changed[auction.id] = None

    def join(self, socket: Socket) -> int:
        """Tell this socket what changes from now on; the version it starts from."""
        self.topic.marks[socket] = self._fanout.number
        if self._alarm is None:
            self._alarm = self._timers.after(self._settings.lobby_every_ms, self._beat)
        return self.version

    def leave(self, socket: Socket) -> None:
        """Tell it no more."""
        self.topic.marks.pop(socket, None)

    def mend(self, socket: Socket, number: int) -> bytes | None:
        """One update for a socket that missed deliveries from `number` on."""
        if socket not in self.topic.marks:
            return None
        changed = [id_ for id_, row in self._rows.items() if row.told >= number]
        gone = [id_ for id_, told in self._gone.items() if told >= number]
        # What does not fit is told to everybody once more.
        self._changed.update(dict.fromkeys(changed[ROWS_AN_UPDATE_MAX:]))
        self.topic.marks[socket] = self._fanout.number
        return self._frame(changed[:ROWS_AN_UPDATE_MAX], gone)

    def _beat(self) -> None:
        self._alarm = None
        if not self.topic.marks:
            return
        self._alarm = self._timers.after(self._settings.lobby_every_ms, self._beat)
        self._see_what_time_changed()
        if not self._changed and not self._removed:
            return
        changed = list(self._changed)[:ROWS_AN_UPDATE_MAX]
        removed = list(self._removed)[:ROWS_AN_UPDATE_MAX]
        self.version += 1
        number = self._fanout.deliver(self.topic, self._frame(changed, removed), Weight.SIGNIFICANT)
        for id_ in changed:
            del self._changed[id_]
            self._rows[id_].told = number
            self._rows[id_].due_ms = _due_ms(self._rows[id_].auction, self._clock.now_ms())
        for id_ in removed:
            del self._removed[id_]
            self._bury(id_, number)

    def _see_what_time_changed(self) -> None:
        now_ms = self._clock.now_ms()
        due = [id_ for id_, row in self._rows.items() if row.due_ms <= now_ms]
        for id_ in due:
            if _on_sale(self._rows[id_].auction, now_ms):
                self._changed[id_] = None
            else:
                self._remove(id_)

    def _remove(self, auction_id: int) -> None:
        del self._rows[auction_id]
        self._changed.pop(auction_id, None)
        self._removed[auction_id] = None
        while len(self._removed) > self._settings.lobby_rows_max:
            # Nobody will be told, so no list of this version may be taken for a fresh one.
            self._bury(next(iter(self._removed)), self._fanout.number)
            self.version += 1

    def _bury(self, auction_id: int, number: int) -> None:
        self._removed.pop(auction_id, None)
        self._gone[auction_id] = number
        while len(self._gone) > self._settings.lobby_rows_max:
            del self._gone[next(iter(self._gone))]

    def _has_room(self) -> bool:
        """Is there a place, perhaps after those whose time is over were put out?"""
        full = self._settings.lobby_rows_max
        now_ms = self._clock.now_ms()
        if len(self._rows) >= full and now_ms - self._tidied_ms >= self._settings.lobby_every_ms:
            self._tidied_ms = now_ms
            over = [i for i, row in self._rows.items() if not _on_sale(row.auction, now_ms)]
            for id_ in over:
                self._remove(id_)
        return len(self._rows) < full

    def _frame(self, changed: Iterable[int], removed: Iterable[int]) -> bytes:
        now_ms = self._clock.now_ms()
        fields = {
            "type": "lobby_update",
            "version": self.version,
            "changed": [frames.short_snapshot(self._rows[i].auction, now_ms) for i in changed],
            "removed": list(removed),
        }
        return ws_frames.text(frames.encode(fields))


def _on_sale(auction: Auction, now_ms: int) -> bool:
    """What the list shows unless it is asked for something else."""
    return auction.status_at(now_ms) in _ON_SALE and now_ms < auction.terms.ends_at_ms


def _due_ms(auction: Auction, now_ms: int) -> int:
    change = auction.next_change_after(now_ms)
    ends_ms = auction.terms.ends_at_ms
    return ends_ms if change is None else min(change.at_ms, ends_ms)
