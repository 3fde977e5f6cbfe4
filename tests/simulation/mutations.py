"""Engines with a fault made by hand: what the simulation has to catch."""

from collections.abc import Callable
from typing import Any

import pytest

from engine import frames
from engine.actor import AuctionActor
from engine.committer import Committer, _Unknown
from engine.domain.auction import Auction
from engine.domain.decision import Notice
from engine.domain.ledger import Ledger
from engine.errors import Busy
from engine.gathering import Waiting
from engine.leases import Membership
from engine.ports.bus import Publication
from engine.store.memory import commit as memory_commit
from engine.turn import Turn

Patch = pytest.MonkeyPatch
Mutation = Callable[[Patch], None]


def commits_ignore_fence_and_revision(patch: Patch) -> None:
    """Whoever wrote last is right."""
    patch.setattr(memory_commit, "_is_fresh", lambda database, entry: True)


def answers_before_the_commit(patch: Patch) -> None:
    commit = AuctionActor._commit

    async def too_soon(self: AuctionActor, turn: Turn, entry: Any) -> Any:
        for envelope, reply in turn.replies:
            envelope.answer(reply)
        return await commit(self, turn, entry)

    patch.setattr(AuctionActor, "_commit", too_soon)


def publishes_before_the_commit(patch: Patch) -> None:
    commit = AuctionActor._commit

    async def too_soon(self: AuctionActor, turn: Turn, entry: Any) -> Any:
        told = tuple(frames.significant(event, event.at_ms, 0) for event in turn.events)
        if told:
            self._house.bus.publish(Publication(turn.auction, told))
        return await commit(self, turn, entry)

    patch.setattr(AuctionActor, "_commit", too_soon)


def says_no_without_a_lease(patch: Patch) -> None:
    patch.setattr(Membership, "may_refuse", lambda self, auction_id: True)


def takes_the_unknown_for_a_no(patch: Patch) -> None:
    """Nobody heard of the commit, so it did not happen."""

    async def send(self: Committer, flight: Any, batch: list[Waiting]) -> bool:
        try:
            await self._attempt(flight, batch)
        except _Unknown:
            for waiting in batch:
                waiting.fails(Busy())
            return False
        return True

    patch.setattr(Committer, "_send", send)


def never_asks_what_became_of_it(patch: Patch) -> None:
    async def resolve(self: Committer, commit_id: Any, batch: Any) -> None:
        return

    patch.setattr(Committer, "_resolve", resolve)


def sells_at_the_price_of_a_drop_ago(patch: Patch) -> None:
    price_at = Auction.price_at
    patch.setattr(Auction, "price_at", lambda self, now_ms: price_at(self, now_ms - 1))


def forgets_keys(patch: Patch) -> None:
    patch.setattr(Ledger, "under_key", lambda self, user_id, key: None)


def forgets_seats_that_come_back(patch: Patch) -> None:
    changed = Ledger.changed

    def forgetful(self: Ledger, new: Any) -> Ledger:
        after = changed(self, new)
        return Ledger(after.by_id, after._latest, after._keys, self._freed, after._next_seat)

    patch.setattr(Ledger, "changed", forgetful)


def tells_the_wrong_guest(patch: Patch) -> None:
    fields_of = frames.notice_fields

    def wrong(notice: Notice, auction: Auction) -> Any:
        return {**fields_of(notice, auction), "user_id": notice.reservation.user_id + 1}

    patch.setattr(frames, "notice_fields", wrong)


def counts_frames_wrong(patch: Patch) -> None:
    significant = frames.significant

    def wrong(event: Any, now_ms: int, watchers: int) -> Any:
        frame = significant(event, now_ms, watchers)
        return (
            frame
            if frame.full
            else frames.Frame(
                frame.kind, frame.payload, frame.auction_id, frame.revision + 1, frame.step
            )
        )

    patch.setattr(frames, "significant", wrong)


def done_without_carrying(patch: Patch) -> None:
    from engine.simulation.member import SimulatedMailer

    async def carry(self: SimulatedMailer, row: Any) -> None:
        return

    patch.setattr(SimulatedMailer, "carry", carry)
