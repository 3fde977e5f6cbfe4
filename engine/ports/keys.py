"""What was answered to an Idempotency-Key, for requests that no auction remembers by itself.

A key is claimed before its request is carried out and settled after it was committed, so that two
requests of one key never run side by side, on any node. What happens at a crash in between: the
claim goes stale and the next request is decided anew.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Kept:
    """What a key stands for. `status` 0: its request is being carried out at this moment."""

    fingerprint: bytes
    """Of the request: 32 bytes; another one under the same key is a mistake of the client."""
    status: int
    body: bytes

    @property
    def settled(self) -> bool:
        """There is an answer to give again."""
        return self.status != 0


class KeyStore(Protocol):
    """Keys of an account, kept a day. All raise Busy when there is no database."""

    async def claim(
        self, account_id: int, key: str, fingerprint: bytes, stale_after_ms: int
    ) -> Kept | None:
        """None: the key is the caller's, to settle or to release. Else what is there already.

        A claim older than `stale_after_ms` is taken over: whoever made it is gone.
        """

    async def settle(self, account_id: int, key: str, answer: Kept) -> None:
        """Keep the committed answer of a key that was claimed."""

    async def release(self, account_id: int, key: str) -> None:
        """Nothing was done: forget the claim. An answer stays."""
