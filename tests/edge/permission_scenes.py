"""The scenes of the permission matrix: who asks, and the thing that they ask for.

Everybody and everything is made anew for each cell, so that an answer depends on its rule alone.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

import aiohttp

from edge.tokens import TokenMint
from tests.accounts import TurnedClock
from tests.edge.permissions import Asker, Of, Rule, Whose
from tests.edge.premises import KEY, Person, Premises, Sale, Seat

LONG_AGO_MS = 1_700_000_000_000
ROLES = {
    Asker.CUSTOMER: "customer",
    Asker.UNVERIFIED: "customer",
    Asker.DESK: "desk",
    Asker.STUDIO_ADMIN: "studio_admin",
    Asker.PLATFORM_ADMIN: "platform_admin",
    Asker.EXPIRED: "customer",
    Asker.REVOKED: "customer",
}
_UNPROVEN = frozenset({"POST /auth/verify-email", "POST /auth/resend-verification"})
"""Routes that concern somebody whose address is not proved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Who asks, and what for."""

    asker: Person | None
    token: str | None
    studio_id: int
    """Of the thing; of whoever asks, if it is about nothing."""
    other: Person
    """The one whom it concerns if it is not the asker."""
    sale: Sale | None = None
    seat: Seat | None = None
    subject: Person | None = None
    """Of a request about a person."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What a refusal must not hold."""
        if self.seat is not None:
            return self.seat.marks
        if self.sale is not None:
            return (self.sale.title,)
        return self.other.marks

    @property
    def names(self) -> Mapping[str, str]:
        """What the parameters of a path are filled with."""
        found = {"studio_id": str(self.studio_id)}
        if self.sale is not None:
            found["auction_id"] = str(self.sale.id)
        if self.seat is not None:
            found |= {"reservation_id": str(self.seat.id), "booking_code": self.seat.code}
        return found


class Stage:
    """Sets scenes on a running server's database."""

    def __init__(self, premises: Premises, url: str, http: aiohttp.ClientSession) -> None:
        self.premises = premises
        self._url = url
        self._http = http
        self._past = TokenMint(KEY, TurnedClock(LONG_AGO_MS))

    async def set(self, rule: Rule, asker: Asker, whose: Whose) -> Scene:
        """A new scene."""
        shop = self.premises
        home, elsewhere = await shop.studio(), await shop.studio()
        person = await self._asker(asker, home)
        token = None if person is None else await self._token(asker, person)
        works = person is not None and person.role in ("desk", "studio_admin")
        at = home if (works and whose is not Whose.FOREIGN) else elsewhere
        other = await shop.person(verified=rule.name not in _UNPROVEN)
        scene = Scene(asker=person, token=token, studio_id=at, other=other)
        match rule.of:
            case Of.NOTHING | Of.STUDIO:
                return scene
            case Of.PERSON:
                own = whose is Whose.OWN and person is not None
                sale = await shop.sale(elsewhere)
                return replace(scene, subject=person if own else other, sale=sale)
            case Of.SALE | Of.OPEN_SALE | Of.DRAFT:
                return replace(scene, sale=await self._sale(rule.of, whose, scene))
            case _:
                seat = await self._seat(rule.of, whose, scene, elsewhere)
                return replace(scene, seat=seat, sale=seat.sale, studio_id=seat.sale.studio_id)

    async def _asker(self, asker: Asker, home: int) -> Person | None:
        role = ROLES.get(asker)
        if role is None:
            return None
        studio_id = home if role in ("desk", "studio_admin") else None
        return await self.premises.person(role, studio_id, verified=asker is not Asker.UNVERIFIED)

    async def _token(self, asker: Asker, person: Person) -> str:
        if asker is Asker.EXPIRED:
            return self._past.access(person.account, str(uuid.uuid4()), 900)
        session = await self.premises.session(person)
        token = self.premises.token(person, session_id=session.id)
        if asker is Asker.REVOKED:
            url = f"{self._url}/api/v1/auth/logout-all"
            headers = {"Authorization": f"Bearer {token}"}
            async with self._http.post(url, headers=headers) as answer:
                assert answer.status == 204
        return token

    async def _sale(self, of: Of, whose: Whose, scene: Scene) -> Sale:
        shop, asker = self.premises, scene.asker
        by = asker if whose is Whose.OWN else scene.other
        if of is Of.DRAFT:
            return await shop.sale(scene.studio_id, by, status="DRAFT", starts_in_s=3_600)
        sale = await shop.sale(scene.studio_id, by)
        if asker is not None and asker.role == "customer" and of is Of.SALE:
            held = {Whose.OWN: sale, Whose.STUDIO: await shop.sale(scene.studio_id)}.get(whose)
            if held is not None:
                await shop.seat(held, asker)
        return sale

    async def _seat(self, of: Of, whose: Whose, scene: Scene, elsewhere: int) -> Seat:
        shop, asker = self.premises, scene.asker
        own = whose is Whose.OWN and asker is not None
        at = elsewhere if own else scene.studio_id
        sale = await (shop.past_sale(at) if of is Of.MISSED else shop.sale(at))
        if whose is Whose.STUDIO and asker is not None and asker.role == "customer":
            await shop.seat(sale, asker)
        guest = asker if own and asker is not None else scene.other
        return await shop.seat(
            sale, guest, "COMPLETED" if of is Of.CHECKED_IN else "PENDING_ON_SITE"
        )
