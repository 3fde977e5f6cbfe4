"""Who may do what with whose things: the one table that the permission matrix is made of.

A rule names a route of the product or a message of the live channel, the thing that it is about,
and what each asker hears. `python -m tests.edge.permissions` prints the table as Markdown.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from engine import errors
from engine.errors import HotHourError


class Asker(Enum):
    """Who asks."""

    ANONYMOUS = "anonymous"
    CUSTOMER = "customer"
    UNVERIFIED = "customer, address not verified"
    DESK = "desk"
    STUDIO_ADMIN = "studio_admin"
    PLATFORM_ADMIN = "platform_admin"
    EXPIRED = "customer, token expired"
    REVOKED = "customer, session ended"


class Whose(Enum):
    """The thing's relation to the asker."""

    OWN = "own"
    """A seat: their own, even if staff, and then at somebody else's studio. A sale: entered by
    them, or, a customer's, one they hold a seat of. A studio: their own. A person: themselves."""
    STUDIO = "same studio"
    """Another's at the asker's studio; to a customer, another's in a class they have a seat of."""
    FOREIGN = "foreign"
    """Another's at a studio that the asker has nothing to do with."""


class Of(Enum):
    """What a request is about."""

    NOTHING = "-"
    SALE = "a sale"
    OPEN_SALE = "a sale that is on, no seat of it taken"
    DRAFT = "a draft"
    SEAT = "a seat"
    CHECKED_IN = "a seat, checked in"
    MISSED = "a seat of a class that began an hour ago"
    STUDIO = "a studio"
    PERSON = "a person"


class Heard(Enum):
    """Answers that are no refusal."""

    YES = "yes"
    MASKED = "yes, contacts masked"
    """The guest's contacts are not shown."""
    WITHOUT = "answered without it"
    """A list in which it is not."""


Verdict = Heard | type[HotHourError]
Verdicts = Mapping[Whose, Verdict]

YES, MASKED, WITHOUT = Heard.YES, Heard.MASKED, Heard.WITHOUT
NOT_SIGNED_IN = errors.AuthRequired
NOT_THIS_ROLE = errors.Forbidden
NOT_THERE = errors.NotFound

ALL = (Whose.OWN, Whose.STUDIO, Whose.FOREIGN)
RELATIONS: Mapping[Asker, tuple[Whose, ...]] = {
    Asker.ANONYMOUS: (Whose.FOREIGN,),
    Asker.CUSTOMER: ALL,
    Asker.UNVERIFIED: ALL,
    Asker.DESK: ALL,
    Asker.STUDIO_ADMIN: ALL,
    Asker.PLATFORM_ADMIN: (Whose.OWN, Whose.FOREIGN),
    Asker.EXPIRED: (Whose.OWN, Whose.FOREIGN),
    Asker.REVOKED: (Whose.OWN, Whose.FOREIGN),
}
NARROWER: Mapping[Of, frozenset[Whose]] = {
    Of.NOTHING: frozenset({Whose.OWN, Whose.FOREIGN}),
    Of.OPEN_SALE: frozenset({Whose.FOREIGN}),
    Of.STUDIO: frozenset({Whose.OWN, Whose.FOREIGN}),
    Of.PERSON: frozenset({Whose.OWN, Whose.FOREIGN}),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One use of a route or message."""

    name: str
    """"GET /auctions/{auction_id}", "live book"."""
    of: Of
    how: str
    """Tells the uses of one route apart: what is sent."""
    verdicts: Mapping[Asker, Verdicts]
    shows: bool = True
    """A read that is allowed shows the thing's own words."""
    writes: bool = True
    """What is allowed leaves a trace in the database (reads never do)."""

    @property
    def is_live(self) -> bool:
        return self.name.startswith("live ")

    @property
    def is_read(self) -> bool:
        return self.name.startswith("GET ")

    def cells(self) -> Iterator[tuple[Asker, Whose, Verdict]]:
        """Everything the rule says."""
        for asker, verdicts in self.verdicts.items():
            for whose, verdict in verdicts.items():
                yield asker, whose, verdict


Said = Verdict | tuple[Verdict, Verdict, Verdict]
"""One verdict whosever it is; or of one's own, of the same studio, of a foreign one."""


def rule(
    name: str,
    of: Of = Of.NOTHING,
    how: str = "",
    *,
    anonymous: Verdict = NOT_SIGNED_IN,
    customer: Said = NOT_THIS_ROLE,
    unverified: Said | None = None,
    desk: Said = NOT_THIS_ROLE,
    admin: Said = NOT_THIS_ROLE,
    platform: Said = NOT_THIS_ROLE,
) -> Rule:
    """A rule. `unverified` None: as a customer."""
    dead: Mapping[Asker, Said] = {
        Asker.EXPIRED: errors.AuthExpired,
        Asker.REVOKED: errors.AuthInvalid,
    }
    if name.startswith("live ") and name != "live authenticate":
        dead = dict.fromkeys(dead, anonymous)  # the socket stays, and nobody sits behind it
    said: dict[Asker, Said] = {
        Asker.ANONYMOUS: anonymous,
        Asker.CUSTOMER: customer,
        Asker.UNVERIFIED: customer if unverified is None else unverified,
        Asker.DESK: desk,
        Asker.STUDIO_ADMIN: admin,
        Asker.PLATFORM_ADMIN: platform,
        **dead,
    }
    verdicts = {asker: _verdicts(asker, of, each) for asker, each in said.items()}
    return Rule(name, of, how, verdicts)


def _verdicts(asker: Asker, of: Of, said: Said) -> Verdicts:
    wanted = [whose for whose in RELATIONS[asker] if whose in NARROWER.get(of, ALL)]
    if of is Of.NOTHING:
        wanted = wanted[:1]
    if isinstance(said, tuple):
        return {whose: said[ALL.index(whose)] for whose in wanted}
    return dict.fromkeys(wanted, said)


def unshown(of: Rule) -> Rule:
    """The same, but the answer does not hold the thing's own words."""
    return replace(of, shows=False)


def traceless(of: Rule) -> Rule:
    """The same, but what is allowed writes nothing."""
    return replace(of, writes=False)


def everybody(name: str, of: Of = Of.NOTHING, how: str = "") -> Rule:
    """Anyone may, signed in or not."""
    return rule(name, of, how, anonymous=YES, customer=YES, desk=YES, admin=YES, platform=YES)


def signed_in(name: str) -> Rule:
    """Whoever is signed in may, for themselves."""
    return rule(name, customer=YES, desk=YES, admin=YES, platform=YES)


def staff_of(name: str, of: Of, how: str = "") -> Rule:
    """The thing's studio_admins and the platform's; to other staff it does not exist."""
    return rule(name, of, how, admin=(YES, YES, NOT_THERE), platform=YES)


def guest_of(name: str) -> Rule:
    """Only the guest whose seat it is, staff or not."""
    its = (YES, NOT_THERE, NOT_THERE)
    return rule(name, Of.SEAT, customer=its, desk=its, admin=its, platform=its)


def seen_by_both(name: str, how: str = "") -> Rule:
    """The seat's guest, and its studio's people."""
    return rule(
        name,
        Of.SEAT,
        how,
        customer=(YES, NOT_THERE, NOT_THERE),
        desk=(YES, MASKED, NOT_THERE),
        admin=(YES, YES, NOT_THERE),
        platform=YES,
    )


def at_the_door(name: str, of: Of) -> Rule:
    """The studio's people, and never on a seat that is theirs as guests elsewhere."""
    its = (NOT_THERE, YES, NOT_THERE)
    return rule(name, of, desk=its, admin=its, platform=YES)


AUTH = (
    everybody("POST /auth/register"),
    everybody("POST /auth/resend-verification"),
    everybody("POST /auth/verify-email"),
    everybody("POST /auth/login"),
    everybody("POST /auth/refresh"),
    everybody("POST /auth/logout"),
    everybody("POST /auth/forgot-password"),
    everybody("POST /auth/reset-password"),
    signed_in("GET /auth/me"),
    signed_in("POST /auth/change-password"),
    signed_in("POST /auth/logout-all"),
)
AUCTIONS = (
    everybody("GET /auctions", Of.SALE),
    rule(
        "GET /auctions",
        Of.DRAFT,
        "status=DRAFT",
        anonymous=WITHOUT,
        customer=WITHOUT,
        desk=WITHOUT,
        admin=(YES, YES, WITHOUT),
        platform=YES,
    ),
    everybody("GET /auctions/{auction_id}", Of.SALE),
    rule(
        "GET /auctions/{auction_id}",
        Of.DRAFT,
        anonymous=NOT_THERE,
        customer=NOT_THERE,
        desk=NOT_THERE,
        admin=(YES, YES, NOT_THERE),
        platform=YES,
    ),
    unshown(staff_of("GET /auctions/{auction_id}/history", Of.SALE)),
    unshown(staff_of("GET /auctions/{auction_id}/history", Of.DRAFT)),
    traceless(rule("POST /auctions/plan", admin=YES, platform=YES)),
    rule("POST /auctions", admin=YES, platform=errors.Invalid),
    rule("POST /auctions", Of.STUDIO, "names the studio", admin=errors.Forbidden, platform=YES),
    staff_of("PUT /auctions/{auction_id}", Of.SALE),
    staff_of("PUT /auctions/{auction_id}", Of.DRAFT),
    staff_of("DELETE /auctions/{auction_id}", Of.DRAFT),
    staff_of("POST /auctions/{auction_id}/publish", Of.DRAFT),
    staff_of("POST /auctions/{auction_id}/cancel", Of.SALE),
    staff_of("POST /auctions/{auction_id}/clone", Of.SALE),
    staff_of("POST /auctions/{auction_id}/clone", Of.DRAFT),
    staff_of("POST /auctions/{auction_id}/trigger-turbo", Of.SALE),
    traceless(staff_of("POST /auctions/{auction_id}/broadcast-price", Of.SALE)),
)
RESERVATIONS = (
    rule("POST /reservations/book", Of.OPEN_SALE, customer=YES, unverified=errors.EmailUnverified),
    rule(
        "POST /reservations/book",
        Of.DRAFT,
        customer=NOT_THERE,
        unverified=errors.EmailUnverified,
    ),
    rule(
        "POST /reservations/book",
        Of.PERSON,
        "names the guest",
        customer=(YES, NOT_THIS_ROLE, NOT_THIS_ROLE),
        unverified=(errors.EmailUnverified, NOT_THIS_ROLE, NOT_THIS_ROLE),
    ),
    rule(
        "GET /reservations/my/all",
        Of.SEAT,
        customer=(YES, WITHOUT, WITHOUT),
        desk=(YES, WITHOUT, WITHOUT),
        admin=(YES, WITHOUT, WITHOUT),
        platform=(YES, WITHOUT, WITHOUT),
    ),
    seen_by_both("GET /reservations/{reservation_id}"),
    traceless(seen_by_both("POST /reservations/{booking_code}/trigger-manual", "by code")),
    traceless(seen_by_both("POST /reservations/{booking_code}/trigger-manual", "by QR")),
    guest_of("DELETE /reservations/{reservation_id}"),
    guest_of("GET /reservations/{reservation_id}/calendar.ics"),
    unshown(guest_of("GET /reservations/{reservation_id}/qr.svg")),
    at_the_door("POST /reservations/{reservation_id}/check-in", Of.SEAT),
    at_the_door("POST /reservations/{reservation_id}/no-show", Of.MISSED),
    at_the_door("POST /reservations/{reservation_id}/undo", Of.CHECKED_IN),
    at_the_door("POST /reservations/{reservation_id}/cancel", Of.SEAT),
    rule(
        "GET /studios/me/reservations",
        Of.SEAT,
        desk=(WITHOUT, MASKED, WITHOUT),
        admin=(WITHOUT, YES, WITHOUT),
        platform=errors.Invalid,
    ),
    rule(
        "GET /studios/me/reservations",
        Of.SEAT,
        "names the studio",
        desk=errors.Forbidden,
        admin=errors.Forbidden,
        platform=YES,
    ),
)
STUDIOS = (
    unshown(everybody("GET /studios")),
    unshown(everybody("GET /studios/{studio_id}", Of.STUDIO)),
    rule("GET /studios/me", desk=YES, admin=YES, platform=NOT_THERE),
    rule("PUT /studios/me", admin=YES, platform=NOT_THERE),
)
OPERATION = (
    everybody("GET /health"),
    everybody("GET /health/live"),
    everybody("GET /health/ready"),
    everybody("GET /metrics"),
)
LIVE = (
    traceless(everybody("live ping")),
    traceless(everybody("live subscribe_lobby")),
    traceless(everybody("live unsubscribe_lobby")),
    traceless(everybody("live subscribe_auction", Of.SALE)),
    rule(
        "live subscribe_auction",
        Of.DRAFT,
        anonymous=NOT_THERE,
        customer=NOT_THERE,
        desk=NOT_THERE,
        admin=NOT_THERE,
        platform=NOT_THERE,
    ),
    traceless(everybody("live unsubscribe_auction", Of.SALE)),
    traceless(
        rule(
            "live authenticate",
            Of.PERSON,
            anonymous=YES,
            customer=(YES, errors.AuthSubject, errors.AuthSubject),
            desk=(YES, errors.AuthSubject, errors.AuthSubject),
            admin=(YES, errors.AuthSubject, errors.AuthSubject),
            platform=(YES, errors.AuthSubject, errors.AuthSubject),
        )
    ),
    traceless(
        rule(
            "live subscribe_user",
            Of.PERSON,
            customer=(YES, errors.Forbidden, errors.Forbidden),
            desk=(YES, errors.Forbidden, errors.Forbidden),
            admin=(YES, errors.Forbidden, errors.Forbidden),
            platform=(YES, errors.Forbidden, errors.Forbidden),
        )
    ),
    rule("live book", Of.OPEN_SALE, customer=YES, unverified=errors.EmailUnverified),
    rule("live book", Of.DRAFT, customer=NOT_THERE, unverified=errors.EmailUnverified),
)
RULES = (*AUTH, *AUCTIONS, *RESERVATIONS, *STUDIOS, *OPERATION, *LIVE)


def markdown() -> Iterator[str]:
    """The table, a row a rule; several verdicts are own / same studio / foreign."""
    yield "| what | about | " + " | ".join(asker.value for asker in Asker) + " |"
    yield "|---" * (len(Asker) + 2) + "|"
    for each in RULES:
        about = f"{each.of.value}, {each.how}" if each.how else each.of.value
        said = (_shown(each.verdicts[asker]) for asker in Asker)
        yield f"| `{each.name}` | {about} | {' | '.join(said)} |"


def _shown(verdicts: Verdicts) -> str:
    names = [v.value if isinstance(v, Heard) else f"`{v.code}`" for v in verdicts.values()]
    return names[0] if len(set(names)) == 1 else " / ".join(names)


if __name__ == "__main__":
    sys.stdout.write("\n".join(markdown()) + "\n")
