"""What a schema-driven run finds in the shop: people, sales and seats in every state, good tokens.

Random data rarely names anything that exists. `Goods` fills a share of the valid requests with what
does, so that every operation is also answered with success.
"""

import itertools
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.e2e.program import instant
from tests.edge.premises import PASSWORD, Person, Premises, Sale, Seat

ROLES = ("anonymous", "customer", "desk", "studio_admin", "platform_admin")
SINGLE_USE = 12
"""Of everything that is gone once it was used, for one round."""
PAST = {"starts_in_s": -14_400, "ends_in_s": -7_200, "class_in_s": -3_600}
COMING = {"starts_in_s": 3_600}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """For one round."""

    people: Mapping[str, Person]
    """By role; they belong to one studio, where the customer has seats."""
    tokens: Mapping[str, str]
    studio_id: int
    sales: tuple[Sale, ...]
    """Of that studio and of another, in every state."""
    open_sales: Iterator[Sale]
    """Endless; the first of them nobody has a seat of."""
    drafts: Iterator[Sale]
    discarded: Iterator[Sale]
    """Drafts that nobody publishes."""
    doomed: Iterator[Sale]
    pending: Iterator[Seat]
    arrived: Iterator[Seat]
    missed: Iterator[Seat]
    proofs: Iterator[str]
    """Links that prove an address."""
    resets: Iterator[str]
    refresh_tokens: Iterator[str]
    strangers: Iterator[Person]


async def stock(premises: Premises) -> Goods:
    """Everything anew."""
    studio_id, elsewhere = await premises.studio(), await premises.studio()
    people = {role: await _person(premises, role, studio_id) for role in ROLES[1:]}
    admin, guest = people["studio_admin"], people["customer"]

    async def sale(**state: Any) -> Sale:
        return await premises.sale(studio_id, admin, **state)

    async def several(**state: Any) -> Iterator[Sale]:
        return itertools.cycle([await sale(**state) for _ in range(SINGLE_USE)])

    async def seats(held: str, **state: Any) -> Iterator[Seat]:
        sales = [await sale(**state) for _ in range(SINGLE_USE)]
        return itertools.cycle([await premises.seat(each, guest, held) for each in sales])

    strangers = [await premises.person(verified=False) for _ in range(SINGLE_USE)]
    sessions = [await premises.session(each) for each in strangers]
    return Goods(
        people=people,
        tokens={role: premises.token(person) for role, person in people.items()},
        studio_id=studio_id,
        sales=(
            await sale(),
            await sale(status="SCHEDULED", **COMING),
            await sale(status="EXPIRED", **PAST),
            await sale(status="CANCELLED"),
            await sale(status="DRAFT", **COMING),
            await premises.sale(elsewhere),
        ),
        open_sales=await several(),
        drafts=await several(status="DRAFT", **COMING),
        discarded=await several(status="DRAFT", **COMING),
        doomed=await several(),
        pending=await seats("PENDING_ON_SITE"),
        arrived=await seats("COMPLETED"),
        missed=await seats("PENDING_ON_SITE", status="EXPIRED", **PAST),
        proofs=itertools.cycle([await premises.link(each, "verify_email") for each in strangers]),
        resets=itertools.cycle([await premises.link(each, "reset_password") for each in strangers]),
        refresh_tokens=itertools.cycle([premises.mint.refresh(each) for each in sessions]),
        strangers=itertools.cycle([await premises.person() for _ in range(SINGLE_USE)]),
    )


async def _person(premises: Premises, role: str, studio_id: int) -> Person:
    return await premises.person(role, studio_id if role in ("desk", "studio_admin") else None)


# --- a request that ought to succeed -------------------------------------------------------------


def path_of(goods: Goods, operation: str, number: int) -> Json:
    """Values for the parameters of a path; `number`: any, chooses among what is as good."""
    match operation:
        case "DELETE /auctions/{auction_id}":
            return {"auction_id": next(goods.discarded).id}
        case "POST /auctions/{auction_id}/publish":
            return {"auction_id": next(goods.drafts).id}
        case "POST /auctions/{auction_id}/cancel":
            return {"auction_id": next(goods.doomed).id}
        case "POST /reservations/{reservation_id}/undo":
            return {"reservation_id": next(goods.arrived).id}
        case "POST /reservations/{reservation_id}/no-show":
            return {"reservation_id": next(goods.missed).id}
        case _:
            seat = next(goods.pending) if "/reservations/" in operation else None
            return {
                "auction_id": goods.sales[number % len(goods.sales)].id,
                "studio_id": goods.studio_id,
                **({"reservation_id": seat.id, "booking_code": seat.code} if seat else {}),
            }


def body_of(goods: Goods, operation: str, role: str) -> Json | None:
    """A whole body; None where any of the right form will do."""
    make = _BODIES.get(operation)
    return None if make is None else make(goods, role)


def query_of(goods: Goods, operation: str, role: str, drawn: Json) -> Json:
    """What was drawn, without what only fits by chance: instants, cursors, prices, foreign ids."""
    kept = {name: value for name, value in drawn.items() if name in _HARMLESS}
    if operation == "GET /studios/me/reservations" and role == "platform_admin":
        kept["studio_id"] = goods.studio_id
    return kept


def _window() -> Json:
    return {"start_time": instant(60), "end_time": instant(7_200)}


def _registration(_: Goods, __: str) -> Json:
    mark = uuid.uuid4().hex
    phone = f"+90{5_000_000_000 + int(mark[:7], 16)}"
    name = {"email": f"{mark}@mail.example.com", "full_name": "Ada Lovelace"}
    return {**name, "phone": phone, "password": PASSWORD}


def _sale(goods: Goods, role: str) -> Json:
    named = {"studio_id": goods.studio_id} if role == "platform_admin" else {}
    return {"title": "Yoga", "drop_amount": "5.00", **_PRICES, **_window(), **named}


_HARMLESS = frozenset({"allowed_gender", "include_computed", "limit", "sort", "status"})
_PRICES = {"start_price": "200.00", "floor_price": "50.00"}
_BODIES: Mapping[str, Callable[[Goods, str], Json]] = {
    "POST /auth/register": _registration,
    "POST /auth/login": lambda goods, _: {
        "email": next(goods.strangers).email,
        "password": PASSWORD,
    },
    "POST /auth/refresh": lambda goods, _: {"refresh_token": next(goods.refresh_tokens)},
    "POST /auth/logout": lambda goods, _: {"refresh_token": next(goods.refresh_tokens)},
    "POST /auth/verify-email": lambda goods, _: {"token": next(goods.proofs)},
    "POST /auth/reset-password": lambda goods, _: {
        "token": next(goods.resets),
        "new_password": PASSWORD,
    },
    "POST /auth/change-password": lambda _, __: {
        "current_password": PASSWORD,
        "new_password": PASSWORD,
    },
    "POST /auctions": _sale,
    "POST /auctions/plan": lambda _, __: {**_PRICES, **_window()},
    "PUT /auctions/{auction_id}": lambda _, __: {"description": "Mat getirin"},
    "POST /reservations/book": lambda goods, _: {"auction_id": next(goods.open_sales).id},
    "PUT /studios/me": lambda _, __: {"cancel_cutoff_secs": 3_600},
}
