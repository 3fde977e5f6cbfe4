"""Where committed facts leave the house as mail."""

from typing import Protocol

from engine.ports.outbox import OutboxRow


class MailDelayed(Exception):
    """It could not be handed over now; try again later."""


class Mailer(Protocol):
    """Renders and sends; the receiver's address is looked up at that moment, never stored."""

    async def carry(self, row: OutboxRow) -> None:
        """Send what this row calls for, if anything. Raises MailDelayed."""
