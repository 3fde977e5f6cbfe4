"""The studio during a flash sale: opens waves of sales, looks at who has booked, starts turbo."""

import time
from itertools import count
from typing import Final

from locust import FastHttpUser, constant_pacing, task

from loadtests.scenarios import bill
from loadtests.scenarios.asking import Asking
from loadtests.scenarios.findings import run_of

_TURBO_EVERY: Final = 2
"""Waves."""


class Staff(FastHttpUser):
    """One person for the whole run, however many guests come and go."""

    fixed_count = 1
    wait_time = constant_pacing(bill.WAVE_EVERY_S)

    def on_start(self) -> None:
        self._run = run_of(self.environment)
        self._rest = Asking(self, self._run, self._run.roster.admin)
        self._numbers = count(1)
        self._last: list[int] = []

    @task
    def round(self) -> None:
        """Open a wave, then see to the one before it."""
        number = next(self._numbers)
        before, self._last = self._last, self._open(number)
        self._rest.ask("GET", "/studios/me/reservations", "/studios/me/reservations")
        for auction_id in before:
            self._rest.ask("GET", f"/auctions/{auction_id}/history", "/auctions/[id]/history")
        if before and number % _TURBO_EVERY == 0:
            path = f"/auctions/{before[1]}/trigger-turbo"
            self._rest.ask("POST", path, "/auctions/[id]/trigger-turbo", body={"force": True})

    def _open(self, number: int) -> list[int]:
        opened = []
        for body in bill.wave(number, self._run.guests, int(time.time() * 1_000)):
            answer = self._rest.ask("POST", "/auctions/", "/auctions", body=body)
            if answer.good:
                self._run.ledger.sale(answer.fields["id"])
                opened.append(answer.fields["id"])
        return opened
