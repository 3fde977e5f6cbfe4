"""Where committed frames meet the sockets that watch: the edge's FrameSink.

A topic an auction, one for the lobby, one a user. A topic holds the newest view of its auction;
registering a socket and building its snapshot from that view happen in one step that awaits
nothing, so there is no gap between a snapshot and the stream, and marks (topics.py) keep anything
older from following it. Encodes what is made here once; decides nothing about auctions.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from edge import ws_frames
from edge.connection import Socket
from edge.fanout import DELIVERIES_MAX, Fanout
from edge.lobby import LOBBY_KEY, Lobby
from edge.meters import Meters
from edge.slices import Slices
from edge.ticker import Ticker
from edge.topics import AuctionTopic, Weight
from edge.writer import Writer
from engine import frames
from engine.domain.auction import Auction
from engine.errors import Busy, HotHourError, Internal
from engine.frames import Frame
from engine.ports.bus import Publication
from engine.ports.clock import Clock
from engine.ports.commit import StoreError
from engine.settings import Settings
from engine.timers import Timers

_log = logging.getLogger(__name__)


class Views(Protocol):
    """Where the first view of an auction comes from: the directory."""

    async def view(self, auction_id: int) -> Auction:
        """The public facts as committed. Raises NotFound for unknown ids and drafts."""


class Hub:
    """Everything that is watched on this node, and by whom."""

    def __init__(
        self, *, views: Views, settings: Settings, clock: Clock, timers: Timers, meters: Meters
    ) -> None:
        self._views = views
        self._clock = clock
        self.slices = Slices(clock, yield_after_ms=settings.yield_after_ms)
        self.writer = Writer(
            mend=self._mend,
            settings=settings,
            clock=clock,
            timers=timers,
            slices=self.slices,
            meters=meters,
        )
        self._fanout = Fanout(slices=self.slices, writer=self.writer, meters=meters)
        self._ticker = Ticker(tell=self._tell_price, clock=clock, timers=timers, meters=meters)
        self.lobby = Lobby(fanout=self._fanout, settings=settings, clock=clock, timers=timers)
        self._topics: dict[int, AuctionTopic] = {}
        self._followers: dict[int, set[Socket]] = {}

    # --- FrameSink -------------------------------------------------------------------------------

    def on_publication(self, publication: Publication) -> None:
        """Significant frames of one auction, in the order of their revisions."""
        self.lobby.take(publication.auction)
        topic = self._topics.get(publication.auction.id)
        if topic is not None:
            self._take(topic, publication.auction, publication.frames)

    def on_personal(self, user_id: int, frame: Frame) -> None:
        """A frame for every socket of one user."""
        followers = self._followers.get(user_id)
        if followers:
            written = ws_frames.text(frame.payload)
            for socket in followers:
                self.writer.write(socket, written)

    def on_announce(self, auction_id: int) -> None:
        """Say the present price once more to whoever watches in ticks mode."""
        topic = self._topics.get(auction_id)
        if topic is not None and topic.auction is not None and topic.ticks:
            self._tell_price(topic, self._ticker.price_now(topic.auction))

    # --- watching an auction ---------------------------------------------------------------------

    def watchers(self, auction_id: int) -> int:
        """How many sockets of this node watch it."""
        topic = self._topics.get(auction_id)
        return 0 if topic is None else len(topic.marks)

    @contextmanager
    def held(self, auction_ids: Iterable[int]) -> Iterator[Sequence[AuctionTopic]]:
        """Topics of these auctions that stay while somebody is about to join them."""
        topics = [self._topic(i) for i in auction_ids]
        for topic in topics:
            topic.holds += 1
        try:
            yield topics
        finally:
            for topic in topics:
                topic.holds -= 1
                self._drop_unwatched(topic)

    async def load(self, topic: AuctionTopic) -> HotHourError | None:
        """Have a view that is as new as the engine's, held topics only; or why there is none.

        Many who ask at once share one look; frames that arrive meanwhile win by their revision.
        """
        if topic.loading is None:
            topic.loading = asyncio.get_running_loop().create_task(self._look(topic))
        return await asyncio.shield(topic.loading)

    def join(self, socket: Socket, topic: AuctionTopic, *, ticks: bool) -> None:
        """Watch an auction whose view is there. The caller hands over a snapshot of that view, or
        knows it to be held already, before anything else happens."""
        if topic.key not in socket.auctions:
            socket.auctions = (*socket.auctions, topic.key)
        if not topic.ticks:
            topic.told_ms = self._clock.now_ms()
        topic.join(socket, self._fanout.number, ticks=ticks)
        if socket.backlog is not None:
            socket.backlog.missed.pop(topic.key, None)
        self._ticker.follow(topic)

    def leave(self, socket: Socket, auction_id: int) -> None:
        """Watch it no more; harmless for whoever does not."""
        if auction_id in socket.auctions:
            socket.auctions = tuple(i for i in socket.auctions if i != auction_id)
            self._part(socket, auction_id)

    # --- following one's own news ----------------------------------------------------------------

    def follow(self, socket: Socket, user_id: int) -> None:
        """Personal frames of this user go to this socket too."""
        self._followers.setdefault(user_id, set()).add(socket)

    def unfollow(self, socket: Socket, user_id: int) -> None:
        """No more of them; harmless for whoever does not follow."""
        followers = self._followers.get(user_id)
        if followers is not None:
            followers.discard(socket)
            if not followers:
                del self._followers[user_id]

    def follows(self, socket: Socket, user_id: int) -> bool:
        """Does this socket get this user's personal frames?"""
        return socket in self._followers.get(user_id, ())

    def forget(self, socket: Socket) -> None:
        """This socket watches nothing any more."""
        for auction_id in socket.auctions:
            self._part(socket, auction_id)
        socket.auctions = ()
        self.lobby.leave(socket)
        self.unfollow(socket, socket.user_id)
        self.writer.forget(socket)

    # --- topics and their views ------------------------------------------------------------------

    def _topic(self, auction_id: int) -> AuctionTopic:
        topic = self._topics.get(auction_id)
        if topic is None:
            topic = self._topics[auction_id] = AuctionTopic(auction_id)
        return topic

    def _part(self, socket: Socket, auction_id: int) -> None:
        topic = self._topics[auction_id]
        topic.leave(socket)
        if not topic.ticks:
            self._ticker.follow(topic)
        if not topic.marks:
            self._drop_unwatched(topic)

    async def _look(self, topic: AuctionTopic) -> HotHourError | None:
        try:
            auction = await self._views.view(topic.key)
        except HotHourError as error:
            return error
        except StoreError:
            return Busy()
        except Exception:
            _log.exception("an auction's view could not be had")
            return Internal()
        finally:
            topic.loading = None
        if topic.auction is None or auction.revision > topic.auction.revision:
            self._take(topic, auction, ())
        return None

    def _take(self, topic: AuctionTopic, auction: Auction, told: Sequence[Frame]) -> None:
        """The topic's auction is now this one; carry what its watchers have not heard yet."""
        held = topic.auction
        if held is not None and auction.revision < held.revision:
            return
        topic.auction = auction
        if held is None or not topic.marks:
            return
        news: Sequence[Frame] = [frame for frame in told if frame.revision > held.revision]
        if auction.revision > held.revision and not _continues(news, held.revision):
            news = _from_the_first_whole(news) or [self._resync(topic, auction)]
        for frame in news:
            self._carry(topic, frame)
        self._ticker.follow(topic)

    def _carry(self, topic: AuctionTopic, frame: Frame) -> None:
        assert topic.auction is not None, "watchers have a view"
        if len(topic.queue) >= DELIVERIES_MAX:
            frame = self._resync(topic, topic.auction)
        weight = Weight.FULL if frame.full else Weight.SIGNIFICANT
        self._fanout.deliver(topic, ws_frames.text(frame.payload), weight)
        if frame.full:
            self._ticker.told(topic, frame.step)

    def _resync(self, topic: AuctionTopic, auction: Auction) -> Frame:
        return frames.resync(auction, self._clock.now_ms(), len(topic.marks))

    def _tell_price(self, topic: AuctionTopic, frame: Frame) -> None:
        self._fanout.deliver(topic, ws_frames.text(frame.payload), Weight.PRICE)

    def _mend(self, socket: Socket, key: int, number: int) -> bytes | None:
        if key == LOBBY_KEY:
            return self.lobby.mend(socket, number)
        topic = self._topics.get(key)
        if topic is None or topic.auction is None or socket not in topic.marks:
            return None
        topic.marks[socket] = self._fanout.number
        return ws_frames.text(self._resync(topic, topic.auction).payload)

    def _drop_unwatched(self, topic: AuctionTopic) -> None:
        if not topic.marks and not topic.holds:
            self._topics.pop(topic.key, None)


def _continues(news: Sequence[Frame], revision: int) -> bool:
    """Nothing is missing between that revision and these frames."""
    return bool(news) and news[0].revision == revision + 1


def _from_the_first_whole(news: Sequence[Frame]) -> Sequence[Frame]:
    """What can be understood without knowing anything before."""
    first = next((i for i, frame in enumerate(news) if frame.full), len(news))
    return news[first:]
