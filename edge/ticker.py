"""Price frames for those who want one at each drop, made where they are watched.

One timer an auction, and only while a socket watches it in ticks mode. The schedule says when the
next drop is and the clock says whether it has come; a late wake-up tells the latest drop alone,
with the price of now. A frame is made shortly before its drop, so that at the instant it has only
to be told: of a thousand auctions that fall together the last one waits for 999 writes, not for 999
frames to be made. Owns nothing durable: a price needs no revision and no owner.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from edge.meters import Meters
from edge.topics import AuctionTopic
from engine import frames
from engine.domain.auction import Auction
from engine.frames import Frame
from engine.ports.clock import Clock
from engine.timers import Timers

_AHEAD_MS = 250
"""Frames are made this long before their drop; a thousand take some 40 ms."""


@dataclass(frozen=True, slots=True)
class _Drop:
    """A drop that is to come, and what to tell if it is told before the one after it is due."""

    frame: Frame
    next_at_ms: int


class Ticker:
    """Calls `tell` with a price frame at each drop of the topics it follows."""

    def __init__(
        self,
        *,
        tell: Callable[[AuctionTopic, Frame], None],
        clock: Clock,
        timers: Timers,
        meters: Meters,
    ) -> None:
        self._tell = tell
        self._clock = clock
        self._timers = timers
        self._meters = meters

    def follow(self, topic: AuctionTopic) -> None:
        """Wake at the topic's next drop; call again when its view or watchers change."""
        if topic.alarm is not None:
            topic.alarm.cancel()
            topic.alarm = None
        if topic.auction is None or not topic.ticks:
            return
        change = topic.auction.next_change_after(topic.told_ms)
        if change is None:
            return
        if change.at_ms - _AHEAD_MS > self._clock.now_ms():
            self._prepare_for(topic, change.at_ms)
        else:
            due = partial(self._due, topic, change.at_ms, _made(topic.auction, change.at_ms))
            topic.alarm = self._timers.at(change.at_ms, due)

    def _prepare_for(self, topic: AuctionTopic, at_ms: int) -> None:
        # Not before who is due by now.
        soon_ms = max(at_ms - _AHEAD_MS, self._clock.now_ms())
        topic.alarm = self._timers.at(soon_ms, partial(self.follow, topic))

    def told(self, topic: AuctionTopic, step: int) -> None:
        """Everybody who watches has a snapshot of this step. If a drop has come since it was made,
        nothing is noted: that drop is still to be told."""
        now_ms = self._clock.now_ms()
        if topic.auction is not None and topic.auction.step_at(now_ms) == step:
            topic.told_ms = now_ms

    def price_now(self, auction: Auction) -> Frame:
        """The present price, as the frame of the drop that made it."""
        now_ms = self._clock.now_ms()
        from_ms = min(auction.terms.starts_at_ms, now_ms)
        return frames.price_update(auction, now_ms, _fell_at(auction, from_ms, now_ms))

    def _due(self, topic: AuctionTopic, due_ms: int, drop: _Drop | None) -> None:
        # `follow` was called since whatever changed: the drop is still this topic's next.
        topic.alarm = None
        auction, now_ms = topic.auction, self._clock.now_ms()
        if auction is None or not topic.ticks:
            return
        if drop is not None and due_ms <= now_ms < drop.next_at_ms:
            topic.told_ms = now_ms
            self._tell(topic, drop.frame)
            self._meters.price_late(now_ms - due_ms)
            self._prepare_for(topic, drop.next_at_ms)
            return
        if now_ms >= due_ms:
            at_ms = _fell_at(auction, due_ms, now_ms)
            topic.told_ms = now_ms
            self._tell(topic, frames.price_update(auction, now_ms, at_ms))
            self._meters.price_late(now_ms - at_ms)
        self.follow(topic)


def _made(auction: Auction, at_ms: int) -> _Drop | None:
    """The drop at that instant; None if it is the last: nothing says how long its frame is good."""
    following = auction.next_change_after(at_ms)
    if following is None:
        return None
    return _Drop(frames.price_update(auction, at_ms, at_ms), following.at_ms)


def _fell_at(auction: Auction, from_ms: int, now_ms: int) -> int:
    """The first instant from `from_ms` on at which the price was what it is now: it only falls."""
    price = auction.price_at(now_ms)
    if auction.price_at(from_ms) == price:
        return from_ms
    later = range(from_ms, now_ms + 1)
    return later[bisect_left(later, True, key=lambda t: auction.price_at(t) == price)]
