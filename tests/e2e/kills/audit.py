"""Is every promise kept? Read from the tables with SQL of its own, and asked of the API.

Compares what guests were told (asked.py) with what is stored, and prices with the oracle, which
shares nothing with the engine. Must never go through the product's code.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import aiohttp
import asyncpg

from tests.domain.oracle import Sale, Turbo, price
from tests.e2e.kills.asked import Asked, Press
from tests.e2e.kills.commits import Sighting
from tests.e2e.program import Api, Guest

_AUCTIONS = """
select id, status, revision, seats, seats_left, start_price, floor_price, drop_amount,
    drop_every_ms, turbo_amount, turbo_every_ms,
    (extract(epoch from starts_at) * 1000)::bigint as starts_ms,
    (extract(epoch from ends_at) * 1000)::bigint as ends_ms,
    (extract(epoch from greatest(starts_at, ends_at - turbo_trigger_ms * interval '1 millisecond'))
        * 1000)::bigint as turbo_ms
from auction where id = any ($1) order by id
"""
_RESERVATIONS = """
select id, auction_id, user_id, seat_no, price, code, key, status, revision,
    (extract(epoch from accepted_at) * 1000)::bigint as accepted_ms
from reservation where auction_id = any ($1) order by id
"""
_EVENTS = "select auction_id, revision, kind from event where auction_id = any ($1) order by 1, 2"
_COMMITTED = "select distinct commit_id from event where commit_id = any ($1)"

Row = asyncpg.Record


@dataclass(slots=True)
class Findings:
    """Broken promises, one sentence each; all empty is what is wanted."""

    lost: list[str] = field(default_factory=list)
    oversold: list[str] = field(default_factory=list)
    ghosts: list[str] = field(default_factory=list)
    unsold: list[str] = field(default_factory=list)
    prices: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """One key with two answers, or an API that tells another story than the tables."""
    log: list[str] = field(default_factory=list)
    """Revisions and counts that do not add up."""

    def all(self) -> list[str]:
        return [
            f"{name}: {sentence}"
            for name in ("lost", "oversold", "ghosts", "unsold", "prices", "answers", "log")
            for sentence in getattr(self, name)
        ]


async def audit(db: asyncpg.Connection, asked: Asked, auction_ids: Iterable[int]) -> Findings:
    """Everything that the tables say about these auctions against everything that was said."""
    ids = sorted(auction_ids)
    found = Findings()
    async with db.transaction(isolation="repeatable_read"):
        auctions = await db.fetch(_AUCTIONS, ids)
        reservations = {row["id"]: row for row in await db.fetch(_RESERVATIONS, ids)}
        events = await db.fetch(_EVENTS, ids)
    if [row["id"] for row in auctions] != ids:
        found.lost.append(f"auctions: {ids} were opened, {len(auctions)} are there")
    presses = list(asked.of(set(ids)))
    for auction in auctions:
        held = [row for row in reservations.values() if row["auction_id"] == auction["id"]]
        told = [row for row in events if row["auction_id"] == auction["id"]]
        mine = [press for press in presses if press.auction_id == auction["id"]]
        found.oversold += _oversold(auction, held)
        found.log += _log(auction, held, told)
        found.prices += _prices(auction, held)
        found.unsold += _unsold(auction, mine, held)
    for press in presses:
        found.lost += _lost(press, reservations)
        found.answers += _two_stories(press)
    found.lost += _cancelled_unasked(reservations.values(), asked)
    found.ghosts += _ghosts(reservations.values(), asked)
    return found


async def became_of(db: asyncpg.Connection, sightings: Iterable[Sighting]) -> tuple[int, int]:
    """Of these commits, how many are in the log of events and how many never will be."""
    ids = [sighting.commit_id for sighting in sightings]
    committed = len(await db.fetch(_COMMITTED, ids))
    return committed, len(set(ids)) - committed


async def audit_api(
    api: Api, guests: Iterable[Guest], asked: Asked, auction_ids: Iterable[int]
) -> list[str]:
    """What guests read now about what they were promised."""
    wrong: list[str] = []
    by_id = {guest.id: guest for guest in guests}
    for press in asked.of(set(auction_ids)):
        if press.booked is None:
            continue
        body = press.booked.body
        status, now = await api.call(
            "GET", f"/reservations/{body['id']}", by=by_id[press.user_id], timeout=_patience()
        )
        same = ("id", "auction_id", "user_id", "booking_code", "locked_price", "seat_no")
        if status != 200 or any(now[name] != body[name] for name in same):
            wrong.append(f"reservation {body['id']} was promised as {body} and reads {status}")
    for auction_id in auction_ids:
        status, now = await api.call("GET", f"/auctions/{auction_id}", timeout=_patience())
        if status != 200 or (now["seats_left"] == 0) != (now["status"] == "SOLD"):
            wrong.append(f"auction {auction_id} reads {status}")
    return wrong


def _patience() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=30)


# --- P1 -----------------------------------------------------------------------------------------


def _live(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["status"] != "CANCELLED"]


def _oversold(auction: Row, held: list[Row]) -> Iterator[str]:
    live, name = _live(held), f"auction {auction['id']}"
    if len(live) > auction["seats"]:
        yield f"{name}: {len(live)} live reservations on {auction['seats']} seats"
    for column in ("seat_no", "user_id"):
        for value, times in Counter(row[column] for row in live).items():
            if times > 1:
                yield f"{name}: {column} {value} {times} times"
    if any(not 1 <= row["seat_no"] <= auction["seats"] for row in live):
        yield f"{name}: a seat that is none"


def _unsold(auction: Row, presses: list[Press], held: list[Row]) -> Iterator[str]:
    """A guest who could have booked and was told no, while a seat is left.

    Who was refused before a seat came back presses again (crowd.fill_up); whoever has a seat or
    gave it back wants nothing more.
    """
    wanted = {press.user_id for press in presses if not press.given_up}
    refused = wanted - {row["user_id"] for row in held}
    if auction["seats_left"] and refused:
        yield (
            f"auction {auction['id']}: {auction['seats_left']} of {auction['seats']} seats left,"
            f" {len(refused)} guests refused, {auction['status']}"
        )


# --- P2, P3, P5 ---------------------------------------------------------------------------------


def _lost(press: Press, reservations: dict[int, Row]) -> Iterator[str]:
    for answer in press.answers:
        if not answer.booked:
            continue
        body = answer.body
        row = reservations.get(body["id"])
        if row is None:
            yield f"reservation {body['id']} was promised to {press.user_id} and is not there"
        elif _facts(row) != _promise(body) or row["user_id"] != press.user_id:
            yield f"reservation {body['id']} was promised as {_promise(body)}, is {_facts(row)}"


def _promise(body: dict[str, object]) -> tuple[object, ...]:
    price_minor = int(str(body["locked_price"]).replace(".", ""))
    return (
        body["auction_id"],
        body["user_id"],
        body["booking_code"],
        price_minor,
        body["seat_no"],
        body["revision"],
    )


def _facts(row: Row) -> tuple[object, ...]:
    columns = ("auction_id", "user_id", "code", "price", "seat_no", "revision")
    return tuple(row[column] for column in columns)


def _two_stories(press: Press) -> Iterator[str]:
    told = {(answer.body["id"], _promise(answer.body)) for answer in press.answers if answer.booked}
    if len(told) > 1:
        yield f"key {press.key} of {press.user_id} has {len(told)} answers: {told}"


def _ghosts(reservations: Iterable[Row], asked: Asked) -> Iterator[str]:
    for row in reservations:
        press = asked.presses.get((row["user_id"], row["key"]))
        name = f"reservation {row['id']} of {row['user_id']}"
        if press is None or press.auction_id != row["auction_id"]:
            yield f"{name} was never asked for with key {row['key']}"
        elif press.booked is None and press.sent == len(press.answers):
            yield f"{name} exists, and each of its presses was refused"
        elif row["status"] != "CANCELLED" and asked.cancels.get(row["id"]):
            yield f"{name} is {row['status']}, and its guest was told that it is cancelled"


def _cancelled_unasked(reservations: Iterable[Row], asked: Asked) -> Iterator[str]:
    for row in reservations:
        if row["status"] == "CANCELLED" and row["id"] not in asked.cancels:
            yield f"reservation {row['id']} is cancelled, and nobody asked for it"


# --- P4, P6 -------------------------------------------------------------------------------------


def _prices(auction: Row, held: list[Row]) -> Iterator[str]:
    sale = _sale(auction)
    for row in held:
        right = price(sale, row["accepted_ms"])
        if row["price"] != right or not sale.start_ms <= row["accepted_ms"] < sale.end_ms:
            yield (
                f"reservation {row['id']}: {row['price']} at {row['accepted_ms']},"
                f" the schedule says {right}"
            )


def _sale(auction: Row) -> Sale:
    """The oracle reckons in whatever unit it is given: here, minor ones."""
    turbo = None
    if auction["turbo_amount"] is not None:
        turbo = Turbo(
            Fraction(auction["turbo_amount"]), auction["turbo_every_ms"], auction["turbo_ms"]
        )
    return Sale(
        Fraction(auction["start_price"]),
        Fraction(auction["floor_price"]),
        Fraction(auction["drop_amount"]),
        auction["drop_every_ms"],
        auction["starts_ms"],
        auction["ends_ms"],
        turbo,
    )


def _log(auction: Row, held: list[Row], events: list[Row]) -> Iterator[str]:
    name = f"auction {auction['id']}"
    revisions = [row["revision"] for row in events]
    if revisions != list(range(1, auction["revision"] + 1)):
        yield f"{name}: revision {auction['revision']}, events {revisions}"
    booked = sorted(row["revision"] for row in events if row["kind"] == "booked")
    if booked != sorted(row["revision"] for row in held):
        yield f"{name}: {len(booked)} events tell of a booking, {len(held)} reservations"
    if auction["seats_left"] != auction["seats"] - len(_live(held)):
        yield f"{name}: seats_left {auction['seats_left']}, {len(_live(held))} live"
    if (auction["seats_left"] == 0) != (auction["status"] == "SOLD"):
        yield f"{name}: {auction['status']} with {auction['seats_left']} seats left"
