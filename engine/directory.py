"""From an auction's id to its actor: where every question of the edge enters the engine.

Knows which actors live here and which shards are ours; asks the supervisor for an actor that is
not there yet. A message for a shard that another node owns is refused at once, retryable.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Protocol

from engine.actor import AuctionActor
from engine.domain.auction import Auction
from engine.domain.messages import Message, Reply
from engine.errors import Draining, NoOwner, NotFound
from engine.ports.commit import CommitStore


class Routing(Protocol):
    """Which auctions are this node's to answer for."""

    def owns(self, auction_id: int) -> bool:
        """Is the auction's shard routed here?"""


class Directory:
    """One a node. `open` it once actors can be made, `close` it to take nothing more."""

    def __init__(self, routing: Routing, store: CommitStore) -> None:
        self._routing = routing
        self._store = store
        self._actors: dict[int, AuctionActor] = {}
        self._activate: Callable[[int], AuctionActor] | None = None

    def open(self, activate: Callable[[int], AuctionActor]) -> None:
        """`activate` makes an actor that queues messages while it is being loaded."""
        self._activate = activate

    def close(self) -> None:
        """From now on every question is answered with DRAINING."""
        self._activate = None

    async def ask(self, auction_id: int, message: Message) -> Reply:
        """Put the message into the auction's mailbox and wait for the reply.

        Raises what the auction refuses with, or a retryable error of errors.Unable. Whoever stops
        waiting cancels nothing: what was taken in is decided and committed all the same.
        """
        return await self.put(auction_id, message)

    def put(self, auction_id: int, message: Message) -> asyncio.Future[Reply]:
        """`ask` without a task for whoever can do without: raises what can be said at once."""
        if self._activate is None:
            raise Draining()
        actor = self._actors.get(auction_id)
        if actor is None:
            if not self._routing.owns(auction_id):
                raise NoOwner()
            actor = self._activate(auction_id)
        return actor.tell(message)

    async def view(self, auction_id: int) -> Auction:
        """The public facts as committed. Raises NotFound for unknown ids and drafts, and
        StoreError when they are not in memory and the store is away."""
        actor = self._actors.get(auction_id)
        if actor is not None and actor.auction is not None:
            return actor.auction
        found = await self._store.look([auction_id])
        if not found:
            raise NotFound()
        return found[0]

    def present(self, auction_id: int) -> Auction | None:
        """The same if it is this node's and here, without asking anybody."""
        actor = self._actors.get(auction_id)
        if actor is None or not self._routing.owns(auction_id):
            return None
        return actor.auction

    # --- the supervisor's side -------------------------------------------------------------------

    def add(self, actor: AuctionActor) -> None:
        """This actor answers for its auction from now on."""
        self._actors[actor.auction_id] = actor

    def remove(self, actor: AuctionActor) -> None:
        """It does no more; a newer actor of the same auction stays."""
        if self._actors.get(actor.auction_id) is actor:
            del self._actors[actor.auction_id]

    def get(self, auction_id: int) -> AuctionActor | None:
        """The actor that is here, if any."""
        return self._actors.get(auction_id)

    def __iter__(self) -> Iterator[AuctionActor]:
        return iter(tuple(self._actors.values()))

    def __len__(self) -> int:
        return len(self._actors)

    @property
    def waiting(self) -> int:
        """Messages in all mailboxes of this node."""
        return sum(actor.waiting for actor in self._actors.values())
