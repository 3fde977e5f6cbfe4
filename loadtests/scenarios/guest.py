"""One guest of a flash sale: looks at the lobby, opens a sale, watches it, presses, tries another.

What a guest wants is temper.py's, and what is right is watched.py's and endcheck.py's.
"""

import time
from random import Random
from threading import Event
from typing import Final
from uuid import uuid4

from locust import FastHttpUser, between, task

from loadtests.scenarios import temper
from loadtests.scenarios.asking import NO_ANSWER, Answer, Asking
from loadtests.scenarios.findings import run_of
from loadtests.scenarios.ledger import Win
from loadtests.scenarios.live import Live, Lost
from loadtests.scenarios.schedule import Fields, Schedule, decimal
from loadtests.scenarios.temper import Offer, Wish
from loadtests.scenarios.watched import FRAMES, Watched

TRIES_MAX: Final = 6
"""Of one press, all with one key."""
AGAIN_S: Final = 0.04
"""After a press that came before its price did."""
LATER_S: Final = 0.5
"""After an answer that says to come again, or none."""
NOTHING_ON_S: Final = 1.0
_TOO_EARLY: Final = frozenset({"PRICE_ABOVE_MAX", "NOT_STARTED"})
_NOT_KNOWN: Final = frozenset({"UNKNOWN_OUTCOME", NO_ANSWER})


class Guest(FastHttpUser):
    """Comes, and stays until sent away."""

    wait_time = between(0.2, 1.0)

    def on_start(self) -> None:
        self._run = run_of(self.environment)
        self._person = self._run.roster.arrive()
        self._rng = Random(self._person.id)
        self._rest = Asking(self, self._run, self._person)
        self._live = Live(self._run, self._hear)
        self._watched: dict[int, Watched] = {}
        self._changed = Event()
        self._lobby: list[Fields] = []
        self._lobby_tag: str | None = None

    def on_stop(self) -> None:
        self._live.close()
        self._run.roster.leave(self._person)

    @task
    def visit(self) -> None:
        """One sale, from the lobby to an answer."""
        offers = self._look()
        try:
            if not self._live.open_:
                self._enter()
            self._live.keep_time()
            offer = temper.choose(
                self._rng,
                offers,
                self._person.done,
                self._live.server_ms(),
                rushing=self._run.rushing,
            )
            if offer is None:
                time.sleep(NOTHING_ON_S)
            else:
                self._try(offer)
        except Lost:
            time.sleep(NOTHING_ON_S)

    # --- looking and watching --------------------------------------------------------------------

    def _look(self) -> list[Offer]:
        """The studio's sales in the lobby, as everybody sees it; or on the studio's own page, when
        the lobby is full of others'."""
        studio_id = self._run.roster.studio_id
        answer = self._rest.ask(
            "GET", "/auctions/", "/auctions", etag=self._lobby_tag, anonymous=True
        )
        if answer.name == "200":
            self._lobby, self._lobby_tag = answer.fields, answer.etag
        rows = [row for row in self._lobby if row["studio_id"] == studio_id]
        if self._lobby and not rows:
            page = f"/auctions/?studio_id={studio_id}"
            answer = self._rest.ask("GET", page, "/auctions?studio_id", anonymous=True)
            rows = answer.fields if answer.good else []
        return [Offer(row["id"], row["status"], Schedule.of(row["schedule"])) for row in rows]

    def _enter(self) -> None:
        """Raises Lost."""
        self._watched.clear()
        self._live.open(self._person.token)
        self._live.ask("subscribe_user")

    def _try(self, offer: Offer) -> None:
        """Raises Lost."""
        self._rest.ask("GET", f"/auctions/{offer.id}", "/auctions/[id]", anonymous=True)
        watched = self._watch(offer.id)
        if watched is None:
            self._person.done.add(offer.id)
            return
        now_ms = self._live.server_ms()
        if not watched.over and watched.schedule.ends_ms > now_ms:
            wish = temper.wish(self._rng, watched.schedule, now_ms, rushing=self._run.rushing)
            if self._wait(watched, wish):
                self._press(watched, wish)
        if watched.over:
            self._person.done.add(offer.id)
        self._watched.pop(offer.id, None)
        self._live.ask("unsubscribe_auction", auction_id=offer.id)

    def _watch(self, auction_id: int) -> Watched | None:
        """From now on; None: it is not to be watched. Raises Lost."""
        mode = "ticks" if self._rng.random() < temper.TICKS else "schedule"
        told = self._live.ask("subscribe_auction", auction_id=auction_id, mode=mode)
        for snapshot in told.get("snapshots", ()):
            held = self._watched.get(auction_id)
            if held is None:
                self._watched[auction_id] = Watched(snapshot)
            else:
                held.snapshot(snapshot)
        return self._watched.get(auction_id)

    def _hear(self, fields: Fields, heard_ms: float) -> str | None:
        watched = self._watched.get(fields["auction_id"])
        if watched is None or fields["type"] not in FRAMES:
            return None
        wrong = watched.frame(fields, heard_ms)
        self._changed.set()
        return wrong

    def _wait(self, watched: Watched, wish: Wish) -> bool:
        """Until the instant that is wished for. No: the sale was over before. Raises Lost."""
        while (left_ms := wish.at_ms - self._live.server_ms()) > 0:
            if watched.over:
                return False
            if watched.gap:
                self._watch(watched.id)
            self._changed.clear()
            self._changed.wait(left_ms / 1_000)
            if not self._live.open_:
                raise Lost
        return True

    # --- pressing --------------------------------------------------------------------------------

    def _press(self, watched: Watched, wish: Wish) -> None:
        """Press until there is an answer that counts."""
        key = uuid4().hex
        self._run.ledger.pressed(key, watched.id, self._person.id)
        in_doubt = False
        for _ in range(TRIES_MAX):
            answer = self._book(watched.id, wish, key)
            if answer.good:
                self._win(key, answer.fields)
                return
            in_doubt |= answer.name in _NOT_KNOWN
            if answer.name in _TOO_EARLY:
                time.sleep(AGAIN_S)
            elif answer.retryable:
                time.sleep(LATER_S)
            else:
                break
        self._person.done.add(watched.id)
        if not in_doubt:
            self._run.ledger.refused(key, watched.id, answer.name)

    def _book(self, auction_id: int, wish: Wish, key: str) -> Answer:
        """Once, the way this guest likes, or the other if there is no socket."""
        body = {"auction_id": auction_id, "max_price": decimal(wish.most)}
        if wish.over_rest or not self._live.open_:
            return self._rest.ask(
                "POST", "/reservations/book", "/reservations/book", body=body, key=key
            )
        try:
            told = self._live.ask("book", idempotency_key=key, **body)
        except Lost:
            return Answer(NO_ANSWER, {})
        if told["type"] == "error":
            return Answer(told["code"], told)
        return Answer("201", told["result"])

    def _win(self, key: str, told: Fields) -> None:
        """Enter it, and see that it is among one's reservations."""
        self._person.done.add(told["auction_id"])
        win = Win(
            key,
            told["id"],
            told["auction_id"],
            told["user_id"],
            told["seat_no"],
            told["locked_price"],
            told["booking_code"],
        )
        self._run.ledger.won(win)
        mine = self._rest.ask("GET", "/reservations/my/all", "/reservations/my/all")
        if mine.good and win.reservation_id not in [
            row["id"] for row in mine.fields["reservations"]
        ]:
            self._run.fire("GUEST", "finds the seat", 0.0, "won, and not among one's reservations")
