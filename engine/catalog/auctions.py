"""Sales as staff change them: drafts are written here, everything else is asked of the actor.

One writer. Until a sale is published the catalog owns it, and each change is compared with the row
that was read. From its publication on the actor owns it: an edit, a cancellation, turbo are
messages, and this module only prepares them and shows what came back. The answer to a change is
made of what the change returned, never of another read: nothing may fail once it is done.

Whose it is comes first: what is not theirs is not found.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol

from engine.catalog.drafting import Asked, Proposal, copied, edited, entered
from engine.domain import rules
from engine.domain.auction import Auction, Status
from engine.domain.messages import (
    AuctionIs,
    CancelAuction,
    Edit,
    Message,
    Reply,
    TriggerTurbo,
    TurboAnswer,
    TurboReason,
)
from engine.errors import (
    Busy,
    FieldError,
    Forbidden,
    Invalid,
    NotActive,
    NotFound,
    Stale,
    TransitionRefused,
)
from engine.frames import remaining_minutes
from engine.ports.auctions import AuctionStore, Draft, Listed, Publishing
from engine.ports.bus import Bus, Publication
from engine.ports.clock import Clock
from engine.ports.studios import Staff

_ROUNDS_MAX: Final = 5
"""Times a change is prepared anew when somebody else was faster; then Busy."""


class Mailboxes(Protocol):
    """The directory, as the catalog sees it."""

    async def ask(self, auction_id: int, message: Message) -> Reply:
        """Raises what the auction refuses with, or an Unable."""


class Appointments(Protocol):
    """The supervisor, as the catalog sees it."""

    def published(self, auction_id: int, starts_at_ms: int) -> None:
        """A DRAFT has become SCHEDULED: be there when it starts."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A sale and the instant it is shown at: one instant an answer."""

    listed: Listed
    at_ms: int

    @property
    def auction(self) -> Auction:
        return self.listed.auction


@dataclass(frozen=True, slots=True)
class Created:
    """A new sale, and the codes of what is allowed but probably not meant."""

    shown: Shown
    warnings: tuple[str, ...]


class Auctions:
    """What staff do with sales. Every method raises NotFound for what is not theirs."""

    def __init__(
        self,
        store: AuctionStore,
        mailboxes: Mailboxes,
        appointments: Appointments,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._store = store
        self._mailboxes = mailboxes
        self._appointments = appointments
        self._bus = bus
        self._clock = clock

    # --- drafts ----------------------------------------------------------------------------------

    async def create(
        self, staff: Staff, asked: Asked, *, studio_id: int | None, publish: bool
    ) -> Created:
        """Enter a sale; `studio_id` is the platform's to name. Raises RuleBroken, Invalid."""
        studio = _studio_for(staff, studio_id)
        now_ms = self._clock.now_ms()
        draft = entered(asked).must_hold(now_ms)
        publishing = _publishing(draft, staff, now_ms) if publish else None
        shown = await self._add(studio, staff, draft, publishing)
        return Created(shown, rules.warnings(draft.terms))

    async def clone(self, staff: Staff, auction_id: int) -> Shown:
        """A DRAFT with the same details, under the studio's present policies."""
        listed = await self._own(staff, auction_id)
        return await self._add(listed.auction.studio_id, staff, copied(listed.auction), None)

    async def publish(self, staff: Staff, auction_id: int) -> Shown:
        """DRAFT -> SCHEDULED. Raises TransitionRefused, RuleBroken."""
        for _ in range(_ROUNDS_MAX):
            listed = await self._own(staff, auction_id)
            if listed.auction.status is not Status.DRAFT:
                raise TransitionRefused()
            now_ms = self._clock.now_ms()
            draft = Proposal(copied(listed.auction)).must_hold(now_ms)
            written = await self._store.publish(listed, _publishing(draft, staff, now_ms))
            if written is not None:
                return self._announced(written)
        raise Busy()

    async def delete(self, staff: Staff, auction_id: int) -> None:
        """Only a DRAFT. Raises TransitionRefused."""
        listed = await self._own(staff, auction_id)
        if listed.auction.status is Status.DRAFT and await self._store.remove(auction_id):
            return
        await self._own(staff, auction_id)  # two who delete at once: the second finds nothing
        raise TransitionRefused()

    # --- drafts and published sales --------------------------------------------------------------

    async def edit(
        self, staff: Staff, auction_id: int, asked: Asked, if_revision: int | None
    ) -> Shown:
        """Change what was said, if the sale still has that revision.

        Raises Stale, TransitionRefused, RuleBroken, Invalid.
        """
        for _ in range(_ROUNDS_MAX):
            listed = await self._own(staff, auction_id)
            if if_revision not in (None, listed.auction.revision):
                raise Stale()
            proposal = edited(asked, listed.auction)
            if listed.auction.status is Status.DRAFT:
                written = await self._rewrite(listed, proposal)
            else:
                written = await self._ask_edit(staff, listed, proposal)
            if written is not None:
                return self._shown(written)
            if if_revision is not None:
                raise Stale()
        raise Busy()

    async def _rewrite(self, listed: Listed, proposal: Proposal) -> Listed | None:
        untouched = proposal.draft.terms == listed.auction.terms
        draft = proposal.draft if untouched else proposal.must_hold(self._clock.now_ms())
        return await self._store.rewrite(listed, draft)

    async def _ask_edit(self, staff: Staff, listed: Listed, proposal: Proposal) -> Listed | None:
        """None: the sale has moved on since it was read, so what was not said may be another."""
        if proposal.misread:
            proposal.must_hold(self._clock.now_ms())
        draft = proposal.draft
        message = Edit(
            by=staff.user_id,
            title=draft.title,
            description=draft.description,
            allowed_gender=draft.allowed_gender,
            terms=draft.terms,
            if_revision=listed.auction.revision,
        )
        try:
            return await self._ask(listed, message)
        except Stale:
            return None

    # --- published sales -------------------------------------------------------------------------

    async def cancel(self, staff: Staff, auction_id: int, reason: str | None) -> Shown:
        """Cancel the class and its reservations. Raises TransitionRefused, TooLate."""
        listed = await self._own(staff, auction_id)
        if listed.auction.status is Status.DRAFT:
            raise TransitionRefused()
        return self._shown(await self._ask(listed, CancelAuction(staff.user_id, reason)))

    async def trigger_turbo(self, staff: Staff, auction_id: int, *, force: bool) -> TurboAnswer:
        """Turn turbo on if its time has come, or at once by `force`."""
        auction = (await self._own(staff, auction_id)).auction
        if auction.status is Status.DRAFT:
            enabled = auction.terms.turbo is not None
            reason = TurboReason.NOT_ACTIVE if enabled else TurboReason.NOT_ENABLED
            left = remaining_minutes(auction, max(self._clock.now_ms(), auction.terms.starts_at_ms))
            return TurboAnswer(False, reason, None, left)
        reply = await self._mailboxes.ask(auction_id, TriggerTurbo(staff.user_id, force))
        assert isinstance(reply, TurboAnswer), "what TriggerTurbo is answered with"
        return reply

    async def announce(self, staff: Staff, auction_id: int) -> int:
        """Say the present price (minor units) once more to who watches. Raises NotActive."""
        auction, now_ms = (await self._own(staff, auction_id)).auction, self._clock.now_ms()
        if auction.status_at(now_ms) is not Status.ACTIVE:
            raise NotActive()
        self._bus.announce(auction_id)
        return auction.price_at(now_ms)

    # --- how -------------------------------------------------------------------------------------

    async def _own(self, staff: Staff, auction_id: int) -> Listed:
        listed = await self._store.one(auction_id)
        if listed is None or not staff.owns(listed.auction.studio_id):
            raise NotFound()
        return listed

    async def _add(
        self, studio_id: int, staff: Staff, draft: Draft, publishing: Publishing | None
    ) -> Shown:
        listed = await self._store.add(studio_id, staff.user_id, draft, publishing)
        if listed is None:
            raise NotFound("There is no such studio.")
        return self._shown(listed) if publishing is None else self._announced(listed)

    async def _ask(self, listed: Listed, message: Edit | CancelAuction) -> Listed:
        reply = await self._mailboxes.ask(listed.auction.id, message)
        assert isinstance(reply, AuctionIs), "what an edit or a cancellation is answered with"
        return replace(listed, auction=reply.auction)

    def _announced(self, listed: Listed) -> Shown:
        auction = listed.auction
        self._appointments.published(auction.id, auction.terms.starts_at_ms)
        # Nobody can be watching it yet, so there is no frame; the lobby hears of it.
        self._bus.publish(Publication(auction, ()))
        return self._shown(listed)

    def _shown(self, listed: Listed) -> Shown:
        return Shown(listed, self._clock.now_ms())


def _studio_for(staff: Staff, studio_id: int | None) -> int:
    """The studio a new sale belongs to. Raises Invalid, Forbidden."""
    if staff.platform:
        if studio_id is None:
            raise Invalid(errors=(FieldError("studio_id", "REQUIRED"),))
        return studio_id
    if studio_id is not None or staff.studio_id is None:
        raise Forbidden("Only a platform_admin names the studio.")
    return staff.studio_id


def _publishing(draft: Draft, staff: Staff, now_ms: int) -> Publishing:
    return Publishing(now_ms, draft.terms.schedule().price_at(now_ms), staff.user_id)
