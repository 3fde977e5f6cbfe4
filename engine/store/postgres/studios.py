"""Table `studio`: read by everybody, written by its own staff."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from engine.ports.studios import Profile, Studio
from engine.store.postgres.access import reading, writing
from engine.store.postgres.pool import Pool

_COLUMNS: Final = """
    id, name, address, google_maps_url, zone, currency, cancel_cutoff_s, no_show_grace_s,
    max_open_reservations, xmin::text::bigint as version"""
_ADD: Final = f"""
insert into studio (name, address, google_maps_url, zone, currency, cancel_cutoff_s,
    no_show_grace_s, max_open_reservations)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning {_COLUMNS}
"""
_REWRITE: Final = f"""
update studio set name = $3, address = $4, google_maps_url = $5, zone = $6, currency = $7,
    cancel_cutoff_s = $8, no_show_grace_s = $9, max_open_reservations = $10
where id = $1 and xmin::text::bigint = $2
returning {_COLUMNS}
"""
_ONE: Final = f"select {_COLUMNS} from studio where id = $1"
_PAGE: Final = f"select {_COLUMNS} from studio where id > $1 order by id limit $2"


class PostgresStudios:
    """The StudioStore on PostgreSQL. Borrows a connection for each call."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, profile: Profile) -> Studio:
        async with writing(self._pool) as connection:
            row = await connection.fetchrow(_ADD, *_values(profile))
        assert row is not None, "an insert returns its row"
        return _studio(row)

    async def one(self, studio_id: int) -> Studio | None:
        async with reading(self._pool) as connection:
            row = await connection.fetchrow(_ONE, studio_id)
        return None if row is None else _studio(row)

    async def page(self, after_id: int, limit: int) -> Sequence[Studio]:
        async with reading(self._pool) as connection:
            rows = await connection.fetch(_PAGE, after_id, limit)
        return [_studio(row) for row in rows]

    async def rewrite(self, studio: Studio, profile: Profile) -> Studio | None:
        async with writing(self._pool) as connection:
            row = await connection.fetchrow(_REWRITE, studio.id, studio.version, *_values(profile))
        return None if row is None else _studio(row)


def _values(profile: Profile) -> tuple[Any, ...]:
    return (
        profile.name,
        profile.address,
        profile.google_maps_url,
        profile.zone,
        profile.currency,
        profile.cancel_cutoff_s,
        profile.no_show_grace_s,
        profile.max_open_reservations,
    )


def _studio(row: asyncpg.Record) -> Studio:
    profile = Profile(
        name=row["name"],
        address=row["address"],
        google_maps_url=row["google_maps_url"],
        zone=row["zone"],
        currency=row["currency"],
        cancel_cutoff_s=row["cancel_cutoff_s"],
        no_show_grace_s=row["no_show_grace_s"],
        max_open_reservations=row["max_open_reservations"],
    )
    return Studio(row["id"], profile, row["version"])
