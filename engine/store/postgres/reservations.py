"""Reservations, read with their sale, their studio and their guest. Must never write.

Whose they may be is part of each statement, so a foreign row is never even fetched. Every query is
bounded by an id, a guest or a studio, and by a limit.
"""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from engine.domain.ledger import Reservation, ReservationStatus
from engine.ports.auctions import Venue
from engine.ports.reservations import Filters, Guest, Position, Scope, Ticket
from engine.store.postgres.access import reading
from engine.store.postgres.pool import Pool
from engine.store.postgres.rows import read_auction

_TICKETS: Final = """
select a.id, a.studio_id, a.title, a.description, a.allowed_gender, a.currency, a.cancel_cutoff_ms,
    a.no_show_grace_ms, a.start_price, a.floor_price, a.drop_amount, a.drop_every_ms, a.starts_at,
    a.ends_at, a.class_at, a.seats, a.turbo_amount, a.turbo_trigger_ms, a.turbo_every_ms, a.status,
    a.revision, a.seats_left, a.turbo_started_at, a.frozen_at,
    s.name as studio_name, s.address, s.google_maps_url, s.zone,
    u.full_name, u.email, u.phone, u.state <> 'ERASED' as reachable,
    r.id as reservation_id, r.user_id, r.seat_no, r.price, r.max_price, r.code, r.key,
    r.revision as booked_revision, r.accepted_at, r.status as place, r.changed_at, r.given_back,
    r.qr_token, r.change_reason, r.late_cancel
from reservation r
join auction a on a.id = r.auction_id
join studio s on s.id = a.studio_id
join account u on u.id = r.user_id
"""
_IN_SCOPE: Final = "($2::bigint = r.user_id or $3::bigint = a.studio_id or $4::bool)"
_ONE: Final = f"{_TICKETS} where r.id = $1 and {_IN_SCOPE}"
_UNDER_CODE: Final = f"{_TICKETS} where r.code = $1 and r.code_live and {_IN_SCOPE}"
_OF_USER: Final = f"""{_TICKETS}
where r.user_id = $1
    and ($2::timestamptz is null or (r.accepted_at, r.id) < ($2::timestamptz, $3::bigint))
order by r.accepted_at desc, r.id desc limit $4
"""
_COUNT_OF_USER: Final = "select count(*) from reservation where user_id = $1"
_EDITS: Final = """
select count(*) from event where auction_id = $1 and revision > $2 and kind = 'edited'
"""

_PLACE: Final = {status.value: status for status in ReservationStatus}


class PostgresReservations:
    """The ReservationStore on PostgreSQL. Borrows a connection for each call."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def one(self, reservation_id: int, scope: Scope) -> Ticket | None:
        return await self._first(_ONE, reservation_id, scope)

    async def under_code(self, code: str, scope: Scope) -> Ticket | None:
        return await self._first(_UNDER_CODE, code, scope)

    async def of_user(
        self, user_id: int, after: Position | None, limit: int
    ) -> tuple[Sequence[Ticket], int]:
        place = (None, None) if after is None else (after.at_ms, after.id)
        async with reading(self._pool) as connection:
            count = await connection.fetchval(_COUNT_OF_USER, user_id)
            rows = await connection.fetch(_OF_USER, user_id, *place, limit)
        return [_ticket(row) for row in rows], count

    async def of_studio(
        self, studio_id: int, filters: Filters, after: Position | None, limit: int
    ) -> Sequence[Ticket]:
        where, arguments = _wanted(studio_id, filters, after)
        arguments.append(limit)
        sql = (
            f"{_TICKETS} where {where}"
            f" order by a.class_at desc, r.id desc limit ${len(arguments)}::bigint"
        )
        async with reading(self._pool) as connection:
            rows = await connection.fetch(sql, *arguments)
        return [_ticket(row) for row in rows]

    async def edits_since(self, auction_id: int, revision: int) -> int:
        async with reading(self._pool) as connection:
            count: int = await connection.fetchval(_EDITS, auction_id, revision)
        return count

    async def _first(self, sql: str, key: int | str, scope: Scope) -> Ticket | None:
        whose = (scope.user_id, scope.studio_id, scope.everywhere)
        async with reading(self._pool) as connection:
            row = await connection.fetchrow(sql, key, *whose)
        return None if row is None else _ticket(row)


def _wanted(studio_id: int, filters: Filters, after: Position | None) -> tuple[str, list[Any]]:
    """The condition of a studio's list and its arguments. What is not asked for is not in it, so
    the planner sees the plain question."""
    conditions: list[str] = []
    arguments: list[Any] = []

    def where(condition: str, *values: Any) -> None:
        first = len(arguments) + 1
        arguments.extend(values)
        conditions.append(condition.format(*(f"${first + n}" for n in range(len(values)))))

    where("a.studio_id = {}::bigint", studio_id)
    if filters.statuses:
        where("r.status = any ({}::text[])", sorted(filters.statuses))
    if filters.auction_id is not None:
        where("r.auction_id = {}::bigint", filters.auction_id)
    if filters.class_from_ms is not None:
        where("a.class_at >= {}::timestamptz", filters.class_from_ms)
    if filters.class_to_ms is not None:
        where("a.class_at <= {}::timestamptz", filters.class_to_ms)
    if filters.code_start is not None:
        where("starts_with(r.code, {}::text)", filters.code_start)
    if after is not None:
        where("(a.class_at, r.id) < ({}::timestamptz, {}::bigint)", after.at_ms, after.id)
    return " and ".join(conditions), arguments


def _ticket(row: asyncpg.Record) -> Ticket:
    auction = read_auction(row)
    return Ticket(
        reservation=_reservation(row),
        auction=auction,
        venue=Venue(
            auction.studio_id,
            row["studio_name"],
            row["address"],
            row["google_maps_url"],
            row["zone"],
        ),
        guest=Guest(row["full_name"], row["email"], row["phone"], row["reachable"]),
        token=row["qr_token"].hex,
        reason=row["change_reason"],
        late_cancel=row["late_cancel"],
    )


def _reservation(row: asyncpg.Record) -> Reservation:
    return Reservation(
        id=row["reservation_id"],
        auction_id=row["id"],
        user_id=row["user_id"],
        seat_no=row["seat_no"],
        price=row["price"],
        max_price=row["max_price"],
        code=row["code"],
        key=row["key"],
        revision=row["booked_revision"],
        accepted_at_ms=row["accepted_at"],
        status=_PLACE[row["place"]],
        changed_at_ms=row["changed_at"],
        given_back=row["given_back"],
    )
