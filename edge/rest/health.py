"""Is it alive, is it ready: what load balancers and orchestrators ask.

Alive: the process answers. Ready: the database answers, the loop keeps up, the lease is held and
nobody has asked us to go. Not ready is 503: DRAINING on the way out, else BUSY with the checks that
failed. Install the same routes at the root and under the prefix.
"""

from dataclasses import dataclass
from typing import Final, Literal, Protocol

from edge.routing import Access, Call, Handler, Reply, Route
from edge.wire.base import Answer
from engine.errors import Busy, Draining, FieldError

LAG_MS_MAX: Final = 1_000
"""A loop later than this serves nobody well."""
RETRY_MS: Final = 1_000


class Health(Answer):
    """An answer of the health routes."""

    status: Literal["ok"]


@dataclass(frozen=True, slots=True)
class Checks:
    """How the node is at this moment."""

    database: bool
    """A statement was answered."""
    lease: bool
    """It is a member of the cluster."""
    lag_ms: float
    """The worst lateness of the event loop lately."""
    draining: bool


class Readiness(Protocol):
    """Looks at the node."""

    async def check(self) -> Checks:
        """Never raises: what cannot be asked is not well."""


class NotReady(Busy):
    """This server is not ready."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        """`errors`: one a check that failed."""
        super().__init__(retry_after_ms=RETRY_MS)
        self.errors = errors


def routes(readiness: Readiness) -> tuple[Route, ...]:
    """The health routes."""

    async def alive(_: Call) -> Reply:
        return Reply(body={"status": "ok"})

    async def ready(_: Call) -> Reply:
        checks = await readiness.check()
        if checks.draining:
            raise Draining(retry_after_ms=RETRY_MS)
        if failed := failures(checks):
            raise NotReady(failed)
        return Reply(body={"status": "ok"})

    def route(path: str, handler: Handler, summary: str) -> Route:
        return Route(
            method="GET",
            path=path,
            handler=handler,
            access=Access.PUBLIC,
            summary=summary,
            tag="operation",
            answer=Health,
        )

    return (
        route("/health", alive, "The process answers"),
        route("/health/live", alive, "The process answers"),
        route("/health/ready", ready, "It may be sent requests"),
    )


def failures(checks: Checks) -> tuple[FieldError, ...]:
    """The checks that failed, by name."""
    found = (
        ("database", checks.database, "The database does not answer."),
        ("lease", checks.lease, "This node is no member of the cluster."),
        (
            "loop_lag",
            checks.lag_ms <= LAG_MS_MAX,
            f"The event loop is {checks.lag_ms:.0f} ms late.",
        ),
    )
    return tuple(FieldError(name, Busy.code, message) for name, well, message in found if not well)
