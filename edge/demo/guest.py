"""One simulated guest: watches what interests them on a socket of their own, and presses.

A client like any other: knows only what the public API and the live channel say, holds seats under
an own account, and meets refusals, lost connections and limits as part of life. What a guest wants
and when is temper.py's.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from edge.demo import temper
from edge.demo.account import Account
from edge.demo.api import Api, Fields, Refusal, Unreachable, insist
from edge.demo.channel import Channel
from edge.demo.door import Visit
from edge.demo.people import Login
from edge.demo.sale import Sale, Took
from edge.demo.scene import Scene
from edge.demo.temper import Manner, Wish
from engine.domain.money import format_minor

PRESSES_MAX: Final = 6
"""Of one guest on one sale, whatever happens."""
AGAIN_MS: Final = 40.0
"""After a press that came before its price did."""
SEES_SOLD_AFTER_MS: Final = 300.0
"""Nobody stops a finger that is already on its way."""
THINKS_AGAIN_S: Final = (4.0, 12.0)
RESALE_MS_MIN: Final = 15_000
"""A seat is given back only while there is time to sell it again."""
TIDY_EVERY_S: Final = 10.0
FORGOTTEN_AFTER_END_MS: Final = 5_000
_PAUSE_S: Final = 1.0
_TOO_EARLY: Final = frozenset({"PRICE_ABOVE_MAX", "NOT_STARTED"})


@dataclass(slots=True)
class _Interest:
    """A sale a guest wants something of."""

    sale: Sale
    wish: Wish
    presses: int = 0
    settled: bool = False
    """Nothing more is to be done here."""
    aim_ms: float | None = None
    """The instant a press is on its way to; None: none is."""
    sold_at_ms: float = 0.0


class Guest:
    """`run` it; `offered` tells of each new sale."""

    def __init__(
        self,
        login: Login,
        manner: Manner,
        api: Api,
        scene: Scene,
        arrives: Callable[[Visit], None],
        mono_ms: Callable[[], float],
        rng: Random,
    ) -> None:
        """`arrives` is told when this guest turns up at a studio's desk."""
        self._login = login
        self._manner = manner
        self._scene = scene
        self._arrives = arrives
        self._rng = rng
        self._account = Account(api, login.email, mono_ms)
        self._interests: dict[int, _Interest] = {}
        self._unwatched: set[int] = set()
        self._new = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self.channel = Channel(
            api,
            mono_ms=mono_ms,
            rng=rng,
            hear=self._hear,
            opened=self._opened,
            punctuality=scene.punctuality,
            account=self._account,
        )

    @property
    def interested(self) -> frozenset[int]:
        """The ids of the sales this guest wants something of."""
        return frozenset(self._interests)

    def offered(self, row: Fields) -> None:
        """There is a new sale; it may be of interest."""
        if row["allowed_gender"] not in ("ANY", self._login.gender):
            return
        sale = Sale.of_row(row)
        wish = temper.wish(self._rng, self._manner, sale.schedule)
        if wish is not None:
            self._interests[sale.id] = _Interest(sale, wish)
            self._look_at(sale.id)

    async def run(self) -> None:
        """Be a guest until cancelled. Raises Refusal when the account is not good for it, and what
        Channel.run raises."""
        await self._account.sign_in()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self.channel.run())
                tasks.create_task(self._watch())
                tasks.create_task(self._tidy())
        finally:
            self._tasks = None

    # --- watching --------------------------------------------------------------------------------

    def _look_at(self, auction_id: int) -> None:
        self._unwatched.add(auction_id)
        self._new.set()

    async def _opened(self) -> None:
        await self.channel.ask("subscribe_user")
        self._unwatched.update(self._interests)
        self._new.set()

    async def _watch(self) -> None:
        mode = "schedule" if self._manner is Manner.QUICK else "ticks"
        await self.channel.greeted.wait()
        while True:
            await self._new.wait()
            self._new.clear()
            wanted = sorted(self._unwatched & self._interests.keys())
            self._unwatched.clear()
            if not wanted:
                continue
            try:
                await self.channel.ask("subscribe_auction", auction_ids=wanted, mode=mode)
            except (Refusal, Unreachable):
                await asyncio.sleep(_PAUSE_S)
                self._unwatched.update(wanted)
                self._new.set()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_EVERY_S)
            now_ms = self.channel.server_ms()
            gone = [
                id_
                for id_, interest in self._interests.items()
                if now_ms >= interest.sale.schedule.ends_at_ms + FORGOTTEN_AFTER_END_MS
            ]
            for id_ in gone:
                del self._interests[id_]
            if gone:
                try:
                    await self.channel.ask("unsubscribe_auction", auction_ids=gone)
                except (Refusal, Unreachable):
                    continue  # a new connection starts without them

    def _hear(self, fields: Fields, _: float | None) -> None:
        match fields["type"]:
            case "subscribed":
                for snapshot in fields["snapshots"]:
                    interest = self._interests.get(snapshot["auction_id"])
                    if interest is not None:
                        interest.sale.snapshot(snapshot)
                        self._consider(interest)
            case "price_update" | "turbo_triggered" | "auction_booked" | "auction_updated":
                interest = self._interests.get(fields["auction_id"])
                if interest is not None:
                    self._follow(interest, fields)
            case _:
                pass

    def _follow(self, interest: _Interest, fields: Fields) -> None:
        sale = interest.sale
        was_sold = sale.status == "SOLD"
        match sale.frame(fields):
            case Took.GAP:
                self._look_at(sale.id)
            case Took.TAKEN:
                if sale.status == "SOLD" and not was_sold:
                    interest.sold_at_ms = self.channel.server_ms()
                self._consider(interest)
            case Took.OLD:
                pass

    # --- pressing --------------------------------------------------------------------------------

    def _consider(self, interest: _Interest) -> None:
        """Is it time to press, or known when it will be?"""
        sale, wish = interest.sale, interest.wish
        if interest.settled or interest.presses >= PRESSES_MAX or self._tasks is None:
            return
        at_ms: float | None = None
        if self._manner is Manner.QUICK:
            if sale.status in ("SCHEDULED", "ACTIVE"):
                at_ms = wish.met_at_ms(sale.schedule)
        elif sale.status == "ACTIVE" and wish.is_met(
            sale.price, turbo=sale.turbo_since_ms is not None
        ):
            at_ms = self.channel.server_ms()
        if at_ms is None or (interest.aim_ms is not None and interest.aim_ms <= at_ms):
            return  # no reason yet, or a press is on its way
        interest.aim_ms = at_ms
        self._tasks.create_task(self._press_at(interest, at_ms))

    async def _press_at(self, interest: _Interest, at_ms: float) -> None:
        wait_ms = max(0.0, at_ms - self.channel.server_ms()) + interest.wish.reaction_ms
        await asyncio.sleep(wait_ms / 1_000)
        if interest.aim_ms != at_ms:
            return  # another aim has taken its place
        try:
            if not interest.settled and not self._sees_sold(interest):
                await self._press(interest)
        except (Refusal, Unreachable):
            interest.settled = True
        finally:
            interest.aim_ms = None

    def _sees_sold(self, interest: _Interest) -> bool:
        since_ms = self.channel.server_ms() - interest.sold_at_ms
        return interest.sale.status == "SOLD" and since_ms > SEES_SOLD_AFTER_MS

    async def _press(self, interest: _Interest) -> None:
        """Press until there is an answer that counts. Raises Refusal, Unreachable."""
        sale, wish = interest.sale, interest.wish
        most = sale.schedule.start_price if wish.target is None else wish.target
        key = f"demo-{self._rng.getrandbits(128):032x}"
        over_rest = self._rng.random() < 0.5
        while interest.presses < PRESSES_MAX:
            interest.presses += 1
            try:
                booked = await insist(
                    lambda: self._book(sale.id, key, format_minor(most), over_rest=over_rest)
                )
            except Refusal as refusal:
                if refusal.code == "SOLD":
                    late_by_ms = int(refusal.members["late_by_ms"])
                    now_ms = self.channel.server_ms()
                    self._scene.missed(self._login.short, sale, late_by_ms, now_ms)
                    return
                if refusal.code not in _TOO_EARLY:
                    raise
                await asyncio.sleep(AGAIN_MS / 1_000)
            else:
                interest.settled = True
                self._won(sale, booked)
                return

    async def _book(self, auction_id: int, key: str, most: str, *, over_rest: bool) -> Fields:
        press: dict[str, Any] = {"auction_id": auction_id, "max_price": most}
        if over_rest:
            booked: Fields = await self._account.ask("POST", "/reservations/book", press, key=key)
            return booked
        answer = await self.channel.ask("book", idempotency_key=key, **press)
        result: Fields = answer["result"]
        return result

    # --- with a seat -----------------------------------------------------------------------------

    def _won(self, sale: Sale, booked: Fields) -> None:
        now_ms = self.channel.server_ms()
        self._scene.won(self._login.short, sale, booked, now_ms)
        assert self._tasks is not None, "presses run within them"
        chance = self._rng.random()
        if chance < temper.GIVES_BACK:
            if sale.schedule.ends_at_ms - now_ms >= RESALE_MS_MIN:
                self._tasks.create_task(self._give_back(sale, booked["id"]))
        elif chance < temper.GIVES_BACK + temper.COMES_EARLY:
            self._arrives(Visit(sale.studio, self._login.short, sale.title, booked["booking_code"]))

    async def _give_back(self, sale: Sale, reservation_id: int) -> None:
        await asyncio.sleep(self._rng.uniform(*THINKS_AGAIN_S))
        try:
            await insist(lambda: self._account.ask("DELETE", f"/reservations/{reservation_id}"))
        except (Refusal, Unreachable):
            return  # then the seat stays theirs
        self._scene.gave_back(self._login.short, sale, self.channel.server_ms())
