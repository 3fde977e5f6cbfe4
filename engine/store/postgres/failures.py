"""What an exception from the database proves.

A definite rollback is one PostgreSQL said itself while the connection lived. Everything else that
happens after a statement was sent (asyncpg has many ways to say that a server vanished) may come
after the commit, and proves nothing.
"""

from typing import Final

import asyncpg

from engine.ports.commit import Ambiguous, Rejected, Rejection, StoreError, Unavailable

_PROVES_NOTHING: Final = ("08", "57P", "58", "XX000")
"""Connection lost, server going down, system error, internal error."""
_NOT_NOW: Final = ("53", "55P03", "57014")
"""No room (disk, memory, connections), a lock that was not to be had, a statement that took too
long: rolled back, nobody's mistake, and worth trying again later."""
_REJECTIONS: Final = {
    "23505": Rejection.CONFLICT,
    "40001": Rejection.RETRY,
    "40P01": Rejection.RETRY,
}


def is_definite(error: BaseException) -> bool:
    """Does it prove that the statement was rolled back?

    What ends the session (FATAL) proves nothing whatever its code: transaction_timeout's 25P04
    may be noticed after the commit and before its answer.
    """
    if not isinstance(error, asyncpg.PostgresError) or error.sqlstate is None:
        return False
    # Present on what the server said; asyncpg's own exceptions of these classes lack it.
    severity: str | None = error.severity_en
    return severity not in ("FATAL", "PANIC") and not error.sqlstate.startswith(_PROVES_NOTHING)


def after_sending(error: BaseException) -> StoreError:
    """What an exception means once a statement may have been sent."""
    cause = f"{type(error).__name__}: {error}"
    if is_definite(error):
        assert isinstance(error, asyncpg.PostgresError)
        if str(error.sqlstate).startswith(_NOT_NOW):
            return Unavailable(cause)
        return Rejected(_REJECTIONS.get(str(error.sqlstate), Rejection.BROKEN), cause)
    return Ambiguous(cause)
