"""The load: guests who press on both channels, and press again with the same key until they know.

Every guest wants a seat in every auction, in an order of their own. Some press twice, some with a
second finger (another key), some give their seat back. All chance comes from the given rng.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import Any

import aiohttp

from tests.e2e.kills.asked import Answer, Asked, Press
from tests.e2e.kills.channels import Channel, Live, Rest
from tests.e2e.kills.world import Node, World
from tests.e2e.program import Api, Guest, instant

SEATS = (1, 2, 5, 50)
SPAN_S = 1.5
"""Over which guests arrive."""
SETTLED_S = 60.0
"""Presses that are not settled by then, from the first on, never will be."""
_OTHER_NODE = frozenset({"NO_OWNER", "DRAINING"})


@dataclass(slots=True)
class Crowd:
    """All guests of one cycle. `press_all`, then `fill_up`."""

    world: World
    asked: Asked
    rng: Random
    auctions: list[int] = field(default_factory=list)
    patience_s: float = 15.0
    span_s: float = SPAN_S
    unsettled: list[str] = field(default_factory=list)
    """Presses that nobody ever answered for good."""
    _until: float = 0.0

    async def open_sales(self, seats: Sequence[int] = SEATS) -> None:
        """One auction for each number of seats; every second one in turbo from its start."""
        node = await self.world.owner()
        for number, free in enumerate(seats):
            turbo = {
                "turbo_enabled": True,
                "turbo_drop_amount": "0.30",
                "turbo_trigger_secs": 3_600 - self.rng.randint(0, 2),
                "turbo_interval_secs": 1,
            }
            sale = await self._sale(
                node,
                seats=free,
                start_price="400.00",
                drop_amount="0.70",
                drop_interval_secs=2,
                start_time=instant(-60),
                end_time=instant(3_600),
                **(turbo if number % 2 else {}),
            )
            self.auctions.append(sale["id"])

    async def _sale(self, node: Node, **fields: Any) -> dict[str, Any]:
        """A sale, though the node may only just have got its shards."""
        api = Api(self.world.session, node.front.url)
        until = monotonic() + SETTLED_S
        while True:
            try:
                return await api.sale(self.world.cast.admin, **fields)
            except (AssertionError, aiohttp.ClientError):
                if monotonic() > until:
                    raise
                await asyncio.sleep(0.2)

    async def press_all(self) -> None:
        """Everybody presses for everything, and waits until they know."""
        self._until = monotonic() + SETTLED_S
        await asyncio.gather(*(self._guest(guest) for guest in self.world.cast.guests))

    async def fill_up(self) -> None:
        """Where seats came back, who has none and gave none back presses once more."""
        self._until = monotonic() + SETTLED_S
        given_back = {
            press.auction_id
            for press in self.asked.of(set(self.auctions))
            if press.booked and press.booked.body["id"] in self.asked.cancels
        }
        for auction_id in given_back:
            held = {
                press.user_id for press in self.asked.of({auction_id}) if press.booked is not None
            }
            rest = [guest for guest in self.world.cast.guests if guest.id not in held]
            await asyncio.gather(*(self._once_more(guest, auction_id) for guest in rest))

    async def press_once(
        self, guest: Guest, auction_id: int, node: Node, patience_s: float = 15.0
    ) -> Answer | None:
        """One press over REST with a key of its own, sent once; whatever is said, it was that."""
        press = self._press(guest, auction_id, self.rng)
        press.sent += 1
        [answer] = await Rest(self.world.session, guest, patience_s).press(
            node.front.url, auction_id, [press.key]
        )
        if answer is None or answer.retryable:
            press.given_up = True
        else:
            press.answers.append(answer)
        return answer

    # --- one guest -------------------------------------------------------------------------------

    async def _guest(self, guest: Guest) -> None:
        rng = Random(self.rng.getrandbits(64))
        await asyncio.sleep(rng.uniform(0, self.span_s))
        channel = self._channel(guest, rng)
        try:
            for auction_id in rng.sample(self.auctions, len(self.auctions)):
                await self._want(guest, channel, auction_id, rng)
        finally:
            await channel.close()

    def _channel(self, guest: Guest, rng: Random) -> Channel:
        kind = Live if rng.random() < 0.4 else Rest
        return kind(self.world.session, guest, self.patience_s)

    async def _once_more(self, guest: Guest, auction_id: int) -> None:
        rng = Random(f"{guest.id}/{auction_id}/more")
        channel = self._channel(guest, rng)
        try:
            await self._settle([self._press(guest, auction_id, rng)], channel, rng)
        finally:
            await channel.close()

    async def _want(self, guest: Guest, channel: Channel, auction_id: int, rng: Random) -> None:
        presses = [self._press(guest, auction_id, rng)]
        habit = rng.random()
        if habit < 0.1:
            presses.append(presses[0])  # a double click
        elif habit < 0.2:
            presses.append(self._press(guest, auction_id, rng))  # two devices
        await self._settle(presses, channel, rng)
        if habit > 0.95:
            for press in presses:
                await self._give_back(guest, press, rng)
        if habit > 0.9:
            await self._settle(presses, channel, rng)  # the same key once more

    def _press(self, guest: Guest, auction_id: int, rng: Random) -> Press:
        return self.asked.press(guest.id, auction_id, f"kills-{rng.getrandbits(96):024x}")

    async def _settle(self, presses: list[Press], channel: Channel, rng: Random) -> None:
        """Press until each has a definite answer."""
        nodes = list(self.world.nodes)
        rng.shuffle(nodes)
        waiting = list(presses)
        while waiting:
            if monotonic() > self._until:
                self.unsettled += [press.key for press in waiting]
                return
            if nodes[0].front.port is None:
                nodes.append(nodes.pop(0))
                await asyncio.sleep(0.05)
                continue
            waiting, elsewhere = await self._round(waiting, channel, nodes[0].front.url)
            if elsewhere:
                nodes.append(nodes.pop(0))
            if waiting:
                await asyncio.sleep(rng.uniform(0.05, 0.25))

    async def _round(
        self, presses: list[Press], channel: Channel, url: str
    ) -> tuple[list[Press], bool]:
        """Send each once; those that have to be sent again, and whether to try another node."""
        for press in presses:
            press.sent += 1
        answers = await channel.press(url, presses[0].auction_id, [press.key for press in presses])
        again, elsewhere = [], False
        for press, answer in zip(presses, answers, strict=True):
            if answer is None or answer.code == "UNKNOWN_OUTCOME":
                press.lost += 1
                again.append(press)
                elsewhere = True
            elif answer.retryable:
                self.asked.refused(answer.code)
                again.append(press)
                elsewhere |= answer.code in _OTHER_NODE
            else:
                press.answers.append(answer)
        return again, elsewhere

    async def _give_back(self, guest: Guest, press: Press, rng: Random) -> None:
        """Cancel what was booked, until it is known to be cancelled."""
        booked = press.booked
        if booked is None:
            return
        reservation_id: int = booked.body["id"]
        self.asked.cancels.setdefault(reservation_id, False)
        while monotonic() < self._until:
            for node in self.world.nodes:
                if node.front.port is None:
                    continue
                with suppress(aiohttp.ClientError, TimeoutError):
                    status, _ = await Api(self.world.session, node.front.url).call(
                        "DELETE",
                        f"/reservations/{reservation_id}",
                        by=guest,
                        timeout=aiohttp.ClientTimeout(total=self.patience_s),
                    )
                    if status == 204:
                        self.asked.cancels[reservation_id] = True
                        return
            await asyncio.sleep(rng.uniform(0.05, 0.25))
        self.unsettled.append(f"the cancel of {reservation_id}")
