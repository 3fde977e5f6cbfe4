"""What a probe is: an input nobody should send, the answer it has to get, and what was seen."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial

from tests.hostile import wire


@dataclass(frozen=True, slots=True)
class Target:
    """Where probes are sent, and what they need to be refused for their own reason alone."""

    port: int
    token: bytes
    """A good access token of a guest."""
    auction: int
    """A sale that could be booked."""
    deadlines: "Deadlines"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The server's own, in seconds."""

    header_s: float = 10.0
    body_s: float = 15.0
    hello_s: float = 10.0
    ping_s: float = 40.0
    idle_s: float = 90.0

    def settings(self) -> dict[str, str]:
        """As the server is told."""
        return {
            "HOTHOUR_HEADER_TIMEOUT_S": str(self.header_s),
            "HOTHOUR_BODY_TIMEOUT_S": str(self.body_s),
            "HOTHOUR_LIVE_HELLO_TIMEOUT_MS": str(int(self.hello_s * 1_000)),
            "HOTHOUR_LIVE_PING_AFTER_MS": str(int(self.ping_s * 1_000)),
            "HOTHOUR_LIVE_IDLE_TIMEOUT_MS": str(int(self.idle_s * 1_000)),
        }


SHIPPED = Deadlines()
SHORT = Deadlines(header_s=3.0, body_s=4.0, hello_s=3.0, ping_s=3.0, idle_s=6.0)
"""For a gate: the same code, less waiting."""

Act = Callable[[Target], Coroutine[None, None, str]]


@dataclass(frozen=True, slots=True)
class Probe:
    """One row of the table."""

    group: str
    name: str
    """The input in words."""
    expected: str
    act: Act
    """Sends it; what was seen, in the words of `expected`."""

    @property
    def id(self) -> str:
        return f"{self.group}: {self.name}"


def http_probe(group: str, name: str, expected: str, *pieces: bytes, answers: int = 1) -> Probe:
    """Bytes on a connection of their own."""

    def act(target: Target) -> Coroutine[None, None, str]:
        return wire.http(target.port, [filled(piece, target) for piece in pieces], answers)

    return Probe(group, name, expected, act)


def live_probe(group: str, name: str, expected: str, *pieces: bytes, headers: bytes = b"") -> Probe:
    """Bytes behind an upgrade."""

    def act(target: Target) -> Coroutine[None, None, str]:
        return wire.live(target.port, pieces, filled(headers, target))

    return Probe(group, name, expected, act)


def own_probe(
    group: str,
    name: str,
    expected: str,
    act: Callable[..., Coroutine[None, None, str]],
    *arguments: object,
) -> Probe:
    """A probe that is more than bytes."""
    return Probe(group, name, expected, partial(act, *arguments) if arguments else act)


def filled(piece: bytes, target: Target) -> bytes:
    """With the token and the auction where their names stand."""
    named = piece.replace(b"{token}", target.token)
    return named.replace(b"{auction}", str(target.auction).encode())


def markdown(rows: Sequence[tuple[Probe, str]]) -> str:
    """The table with what was seen."""
    lines = ["| input | expected | seen | ok |", "|---|---|---|---|"]
    for probe, seen in rows:
        cells = (probe.id, probe.expected, seen, "yes" if seen == probe.expected else "**NO**")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)
