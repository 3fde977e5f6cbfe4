"""A crowd in a process of its own: `python -m loadtests.bench.watching URL AUCTION COUNT`.

Watches in `ticks` mode, says `watching` when all do, and hears frames until it is ended. It gives
way to whoever measures on the same core.
"""

import argparse
import os
import signal
import sys
import time
from types import FrameType

from loadtests.bench.crowd import Crowd
from loadtests.bench.machine import CORES, allow_files, pin
from loadtests.bench.product import Server
from loadtests.bench.questions.fanout import FILES_KEPT, native

NICENESS = 10
AT_MOST_S = 300.0


def main() -> None:
    """The program's entry."""
    parser = argparse.ArgumentParser("python -m loadtests.bench.watching")
    parser.add_argument("url")
    parser.add_argument("auction", type=int)
    parser.add_argument("count", type=int)
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    os.nice(NICENESS)
    pin(0, CORES.generator)
    allow_files(wanted.count + FILES_KEPT)
    server = Server(wanted.url, pid=0, spawned_s=0.0, ready_s=0.0)
    with Crowd(server, native(wanted.auction), wanted.count) as crowd:
        print("watching", flush=True)
        crowd.hear_until(time.time() + AT_MOST_S)


def _leave(_: int, __: FrameType | None) -> None:
    sys.exit()


if __name__ == "__main__":
    main()
