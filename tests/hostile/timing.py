"""Does log-in or registration take longer for an address that is known? `python -m
tests.hostile.timing`.

Known and unknown addresses are asked for in turns, in a random order within each pair, so that
whatever else the machine does meets both alike. The differences of the pairs are then put to a
permutation test of their signs. Noise hides what is smaller than itself: the smallest difference
that a run could have seen is said with it, and if that is more than a guesser would need, the run
is INCONCLUSIVE.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.database import open_folder
from tests.hostile.probe import SHORT
from tests.hostile.stand import Stand, standing

FLIPS = 10_000
"""Of signs."""
ALPHA = 0.01
CUT = 0.1
"""The largest and the smallest tenth of the differences are left out of their mean."""
SEEN_MS_MAX = 2.0
"""A difference of this size has to be visible: less is lost in any network."""
WRONG = "not the password at all"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the differences of one question say."""

    name: str
    pairs: int
    mean_ms: float
    """Known minus unknown."""
    p: float
    seen_ms: float
    """The smallest difference that would have been found."""

    @property
    def word(self) -> str:
        if self.p < ALPHA:
            return "A DIFFERENCE"
        return "INCONCLUSIVE" if self.seen_ms > SEEN_MS_MAX else "no difference"

    def told(self) -> str:
        return (
            f"{self.name}: {self.word} ({self.pairs} pairs, mean {self.mean_ms:+.3f} ms, "
            f"p = {self.p:.3f}, {self.seen_ms:.3f} ms would have been seen)"
        )


def judged(name: str, differences_ms: Sequence[float], rng: random.Random) -> Verdict:
    """A permutation test: if it does not matter who is asked for, every sign is as likely."""
    middle = _middle(differences_ms)
    flipped = sorted(
        abs(_middle([d if rng.random() < 0.5 else -d for d in differences_ms]))
        for _ in range(FLIPS)
    )
    beyond = sum(each >= abs(middle) for each in flipped)
    seen_ms = flipped[int(len(flipped) * (1 - ALPHA))]
    return Verdict(name, len(differences_ms), middle, (beyond + 1) / (FLIPS + 1), seen_ms)


def _middle(values: Sequence[float]) -> float:
    """The mean without the tails."""
    kept = sorted(values)
    cut = int(len(kept) * CUT)
    return statistics.fmean(kept[cut : len(kept) - cut])


Ask = Callable[[], Awaitable[float]]


async def paired(known: Ask, unknown: Ask, pairs: int, rng: random.Random) -> list[float]:
    """Ask for both, again and again: known minus unknown, in milliseconds."""
    found = []
    for _ in range(pairs):
        if rng.random() < 0.5:
            first = await known()
            found.append(first - await unknown())
        else:
            first = await unknown()
            found.append(await known() - first)
    return found


async def log_in(stand: Stand, email: str) -> float:
    """How long a log-in with a wrong password takes, in milliseconds."""
    body = {"email": email, "password": WRONG}
    began_ns = time.perf_counter_ns()
    status, _ = await stand.api.call("POST", "/auth/login", json=body)
    took_ms = (time.perf_counter_ns() - began_ns) / 1e6
    assert status == 401, status
    return took_ms


async def register(stand: Stand, email: str) -> float:
    """How long a registration takes, in milliseconds."""
    phone = f"+90532{uuid.uuid4().int % 10_000_000:07}"
    form = {"email": email, "full_name": "Ada Yılmaz", "phone": phone, "password": WRONG}
    began_ns = time.perf_counter_ns()
    status, _ = await stand.api.call("POST", "/auth/register", json=form)
    took_ms = (time.perf_counter_ns() - began_ns) / 1e6
    assert status == 202, status
    return took_ms


async def forget(stand: Stand, email: str) -> float:
    """How long asking for a new password takes, in milliseconds."""
    began_ns = time.perf_counter_ns()
    status, _ = await stand.api.call("POST", "/auth/forgot-password", json={"email": email})
    took_ms = (time.perf_counter_ns() - began_ns) / 1e6
    assert status == 202, status
    return took_ms


async def measure(folder: Path, pairs: int, seed: int) -> list[Verdict]:
    """All questions on a server of their own."""
    rng = random.Random(seed)
    # The pause after failed log-ins is the same for all addresses, and would only wait.
    settings = {"HOTHOUR_RATE_LIMITS": "off", "HOTHOUR_EMAIL_VERIFICATION": "on"}
    verdicts = []
    async with standing(folder, SHORT, **settings) as stand:
        email = stand.guest.email
        for name, act in (("log-in", log_in), ("registering", register), ("forgetting", forget)):

            async def known(act: Callable[[Stand, str], Awaitable[float]] = act) -> float:
                return await act(stand, email)

            async def unknown(act: Callable[[Stand, str], Awaitable[float]] = act) -> float:
                return await act(stand, f"{uuid.uuid4().hex}@example.com")

            await paired(known, unknown, max(5, pairs // 20), rng)  # warm
            verdicts.append(judged(name, await paired(known, unknown, pairs, rng), rng))
    return verdicts


def main() -> int:
    """The command. 1: somebody could tell; 2: the machine was too noisy to say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with open_folder() as folder:
        verdicts = asyncio.run(measure(folder, given.pairs, given.seed))
    sys.stdout.write("".join(f"{verdict.told()}\n" for verdict in verdicts))
    words = {verdict.word for verdict in verdicts}
    return 1 if "A DIFFERENCE" in words else 2 if "INCONCLUSIVE" in words else 0


if __name__ == "__main__":
    sys.exit(main())
