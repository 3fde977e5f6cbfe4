"""Decisions become durable here, and an actor's state comes from here.

The statement that guards everything stands in statement.py, with its theory. This module sends it,
says what its answers and its silences prove, and moves fences: after a commit nobody knows the
outcome of, and when an auction gets a new owner. Must never guess: what is not proved is Ambiguous.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from engine.domain.auction import Auction
from engine.domain.decision import State
from engine.domain.ledger import EMPTY, ReservationStatus
from engine.ports.commit import Ambiguous, Entry, Loaded, Outcome, Unavailable, Verdict
from engine.ports.leases import Tenure
from engine.settings import Settings
from engine.store.outcomes import Placed, Resolved, Traces, late_verdict, outcomes, verdict
from engine.store.postgres.failures import after_sending
from engine.store.postgres.lane import Lane, kept_if_well, open_connection
from engine.store.postgres.pool import Connection, ConnectSettings
from engine.store.postgres.rows import batch, read_answer, read_auction, read_ledgers
from engine.store.postgres.statement import (
    AUCTIONS_OF,
    FREE_BLOCKED,
    LEAN,
    LOOK,
    PLACED,
    PLAIN,
    RESERVATIONS_OF,
    RESOLVE,
    TAKE,
    TAKE_OWN,
    TRACES,
    WIDE,
    Statement,
)
from engine.store.records import SEQUENCE_BLOCK, ordered

Rows = list[asyncpg.Record]

_TAKE_ROUNDS_MAX = 3
_BUILT_AT_ONCE = 64
"""States, which is about a millisecond of work."""
_WARM_UP_ID = UUID(int=0)
_REPLAN_AFTER = 128
"""Entries carried by one connection after which its plans are made anew."""
# A bitmap would take the row locks in the order of pages instead of ids; a nested loop would be
# quadratic in the batch (statement.py).
_PLANS = "set enable_bitmapscan = off; set enable_nestloop = off"
_SEQUENCES = frozenset({"reservation_id", "outbox_id"})


class PostgresFlight:
    """One connection that commits. After an Ambiguous or a cancellation it is of no more use."""

    def __init__(self, connection: Connection, timeout_ms: int) -> None:
        self._connection = connection
        self._timeout_s = timeout_ms / 1_000
        self._prepared: dict[str, PreparedStatement[asyncpg.Record]] = {}
        self._carried = 0
        self._replan_at = _REPLAN_AFTER

    async def warm_up(self) -> None:
        """Prepare the statements for as long as this connection lives, and run each once on
        nothing: a first execution takes many times as long."""
        await self._connection.execute(_PLANS)
        for statement in (PLAIN, LEAN, WIDE):
            self._prepared[statement.sql] = await self._connection.prepare(statement.sql)
            await self._fetch(statement, _WARM_UP_ID, statement.nothing)

    async def commit(self, commit_id: UUID, entries: Sequence[Entry]) -> Mapping[int, Outcome]:
        """Write all entries that can be written, in one transaction; an outcome per auction id.

        Offended by a KEY offender does not promise that the state is the newest: who used a key is
        told even to an owner that has been superseded, and then no other offender is named with
        it. The reservation it names may be unknown to the caller, and of another auction.

        Raises Unavailable, Rejected or Ambiguous for the batch as a whole.
        """
        work = batch(entries)
        if self._connection.is_closed():
            raise Unavailable("the connection is closed")
        await self._replan()
        try:
            answer = await self._fetch(work.statement, commit_id, work.arguments)
        except Exception as error:
            meaning = after_sending(error)
            if isinstance(meaning, Ambiguous):
                self._connection.terminate()
            raise meaning from error
        except BaseException:
            self._connection.terminate()
            raise
        self._carried += len(entries)
        return outcomes(entries, *read_answer(answer))

    async def close(self) -> None:
        """Let go of the connection. Whatever is still in the air on it becomes ambiguous."""
        if not self._connection.is_closed():
            try:
                await self._connection.close(timeout=self._timeout_s)
            except Exception:
                self._connection.terminate()

    async def _replan(self) -> None:
        """Make plans for the tables as they have become, each time the work done has doubled.

        For an empty table every index looks the same, so the one that is picked may be wrong for a
        full one. Analysing would tell the planner, but a rush does not wait for it.
        """
        if self._carried < self._replan_at:
            return
        self._replan_at = 2 * self._carried
        try:
            with kept_if_well(self._connection):
                await self._connection.execute("discard plans", timeout=self._timeout_s)
        except Exception as error:
            raise Unavailable(str(error)) from error

    async def _fetch(self, statement: Statement, commit_id: UUID, arguments: Sequence[Any]) -> Rows:
        prepared = self._prepared[statement.sql]
        return await prepared.fetch(commit_id, *arguments, timeout=self._timeout_s)


class PostgresCommitStore:
    """The durable side of all auctions."""

    def __init__(
        self, dsn: str, settings: Settings, connections: ConnectSettings | None = None
    ) -> None:
        self._dsn = dsn
        self._connections = connections
        self._commit_timeout_ms = settings.commit_timeout_ms
        self._patience_s = settings.resolve_timeout_ms / 1_000
        self._lane = Lane(
            dsn,
            connections,
            connections_max=settings.commit_flights + 1,
            timeout_ms=settings.commit_timeout_ms + settings.resolve_timeout_ms,
        )

    async def open_flight(self) -> PostgresFlight:
        """A connection, prepared and warmed. Raises Unavailable."""
        connection = await open_connection(self._dsn, self._connections, "commit")
        flight = PostgresFlight(connection, self._commit_timeout_ms)
        try:
            with kept_if_well(connection):
                async with asyncio.timeout(self._commit_timeout_ms / 1_000):
                    await flight.warm_up()
        except Exception as error:
            raise Unavailable(str(error)) from error
        return flight

    async def close(self) -> None:
        """Close what resolves and takeovers used. Flights are closed by who opened them."""
        await self._lane.close()

    async def resolve(
        self, token: int, commit_id: UUID, entries: Sequence[Entry]
    ) -> Mapping[int, Verdict]:
        """Move the fences of an ambiguous batch to `token` and tell what became of each entry.

        May be asked again with the same token until it answers. Raises Unavailable or Ambiguous.
        """
        turns = ordered(entries)
        ids = [entry.auction_id for entry in turns]
        fences = [entry.fence for entry in turns]
        async with self._lane.writing() as connection:
            moved = {
                row["id"]: Resolved(row["revision"], row["last_commit_id"])
                for row in await self._patiently(connection, RESOLVE, token, ids, fences)
            }
            verdicts: dict[int, Verdict] = {}
            silent: list[Entry] = []
            for entry in turns:
                told = verdict(entry, commit_id, moved.get(entry.auction_id))
                if told is None:
                    silent.append(entry)
                else:
                    verdicts[entry.auction_id] = told
            # Only now, with the fences known to have moved on, do the traces prove anything.
            traces = await self._traces(connection, silent) if silent else {}
        for entry in silent:
            verdicts[entry.auction_id] = late_verdict(entry, commit_id, traces[entry.auction_id])
        return verdicts

    async def take_over(
        self, auction_ids: Sequence[int], tenure: Tenure | None = None
    ) -> Sequence[Loaded]:
        """Move the fences, then read auctions and ledgers. Drafts, unknown ids and those of shards
        that are not the tenure's are left out.

        An auction that somebody else takes in between is taken again, a few times. Raises
        Unavailable or Ambiguous (then nothing may be assumed, ask again).
        """
        loaded: dict[int, Loaded] = {}
        wanted = sorted(set(auction_ids))
        for _ in range(_TAKE_ROUNDS_MAX):
            token = await self.next_token()
            async with self._lane.writing() as connection:
                if tenure is None:
                    taken = await self._patiently(connection, TAKE, token, wanted)
                else:
                    whose = (tenure.node_id, tenure.incarnation)
                    taken = await self._patiently(connection, TAKE_OWN, token, wanted, *whose)
                rows, held = await self._read(connection, wanted, token)
            for mine in await _loaded(rows, held, token):
                loaded[mine.state.auction.id] = mine
            wanted = sorted(row["id"] for row in taken if row["id"] not in loaded)
            if not wanted:
                return [loaded[auction_id] for auction_id in sorted(loaded)]
        raise Ambiguous(f"{len(wanted)} auctions are being taken over by somebody else as well")

    async def look(self, auction_ids: Sequence[int]) -> Sequence[Auction]:
        """The public facts as committed, nothing written. Drafts and unknown ids are left out.

        Raises Unavailable.
        """
        async with self._lane.reading() as connection:
            rows = await connection.fetch(LOOK, list(auction_ids))
        return [read_auction(row) for row in rows]

    async def next_token(self) -> int:
        """A fencing token nobody else has. Raises Unavailable."""
        return await self._next("fence_token")

    async def next_block(self, sequence: str) -> range:
        """Ids of "reservation_id" or "outbox_id" that are ours alone. Raises Unavailable."""
        assert sequence in _SEQUENCES, sequence
        first = await self._next(sequence)
        return range(first, first + SEQUENCE_BLOCK)

    async def _next(self, sequence: str) -> int:
        async with self._lane.reading() as connection:
            number: int = await connection.fetchval("select nextval($1::text::regclass)", sequence)
        return number

    async def _patiently(self, connection: Connection, sql: str, *arguments: Any) -> Rows:
        """Run what needs row locks; whoever holds one for longer than our patience is terminated.

        Nobody needs a lock that long but a connection of which the rest never came.
        """
        running = asyncio.ensure_future(connection.fetch(sql, *arguments))
        try:
            while not (await asyncio.wait({running}, timeout=self._patience_s))[0]:
                await self._free(connection.get_server_pid())
            return running.result()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _free(self, pid: int) -> None:
        # If this fails, the statement that waits will say what is wrong.
        with suppress(Exception):
            rescuer = await open_connection(self._dsn, self._connections, "resolve")
            try:
                await rescuer.execute(FREE_BLOCKED, pid, timeout=self._patience_s)
            finally:
                rescuer.terminate()

    async def _traces(
        self, connection: Connection, entries: Sequence[Entry]
    ) -> Mapping[int, Traces]:
        rows = await connection.fetch(
            TRACES,
            [entry.auction_id for entry in entries],
            [entry.expected + 1 for entry in entries],
        )
        moved = [move.after.id for entry in entries for move in entry.moved]
        placed = {
            row["id"]: Placed(
                ReservationStatus(row["status"]), row["changed_at"], row["changed_by"]
            )
            for row in await connection.fetch(PLACED, moved)
        }
        return {row["id"]: Traces(row["event_commit_id"], placed) for row in rows}

    async def _read(
        self, connection: Connection, auction_ids: Sequence[int], fence: int
    ) -> tuple[Rows, Rows]:
        """Auctions and reservations of one instant, of those whose fence is still ours."""
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await connection.fetch(AUCTIONS_OF, auction_ids, fence)
            held = await connection.fetch(RESERVATIONS_OF, [row["id"] for row in rows])
        return rows, held


async def _loaded(rows: Rows, held: Rows, fence: int) -> Sequence[Loaded]:
    """Build the states, and let everybody else have a turn now and then."""
    ledgers = read_ledgers(held)
    loaded = []
    for n, row in enumerate(rows, start=1):
        state = State(read_auction(row), ledgers.get(row["id"], EMPTY))
        loaded.append(Loaded(state, fence, row["high_water"]))
        if n % _BUILT_AT_ONCE == 0:
            await asyncio.sleep(0)
    return loaded
