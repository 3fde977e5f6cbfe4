"""Bugs of the stores: what both share, the one in memory, and PostgreSQL's own."""

from typing import Final

from tests.mutants.mutant import Mutant, Promise

P1, P2, P3, P4, P5 = Promise.P1, Promise.P2, Promise.P3, Promise.P4, Promise.P5
P7, P8, LIVE = Promise.P7, Promise.P8, Promise.LIVE

_OUTCOMES: Final = "engine/store/outcomes.py"
_RECORDS: Final = "engine/store/records.py"
_MEMORY: Final = "engine/store/memory/commit.py"
_LEASES_IN_MEMORY: Final = "engine/store/memory/leases.py"
_STATEMENT: Final = "engine/store/postgres/statement.py"
_FAILURES: Final = "engine/store/postgres/failures.py"
_LEASES: Final = "engine/store/postgres/leases.py"

_IN_MEMORY: Final = ("tests/contracts", "-k", "memory")
_RACES: Final = (
    "tests/store/test_commit.py"
    "::test_a_reservation_moved_behind_the_actors_back_rolls_everything_back",
)


def _in_postgres(contract: str) -> tuple[str, ...]:
    return (f"tests/contracts/test_{contract}.py", "-k", "postgres")


SHARED: Final = (
    Mutant(
        "A stale owner is told that its successor's winners are in its way",
        _OUTCOMES,
        "for hit in hits if hit.fresh or hit.offender.why is Why.KEY)",
        "for hit in hits)",
        P8,
        _IN_MEMORY,
    ),
    Mutant(
        "A commit without a revision is sent again though it happened",
        _OUTCOMES,
        "    if row.last_commit_id == commit_id:\n"
        "        return Verdict.COMMITTED\n"
        "    if row.revision == entry.expected:\n"
        "        return Verdict.NEVER\n",
        "    if row.revision == entry.expected:\n"
        "        return Verdict.NEVER\n"
        "    if row.last_commit_id == commit_id:\n"
        "        return Verdict.COMMITTED\n",
        P2,
        ("tests/store/test_outcomes.py",),
        simulated=False,
    ),
    Mutant(
        "No row is a verdict: it was lost",
        _OUTCOMES,
        "committed = traces.event_commit_id == commit_id",
        "committed = False",
        P2,
        _IN_MEMORY,
    ),
    Mutant(
        "Of several seats moved, one that stands as meant proves the commit",
        _OUTCOMES,
        "        committed = all(\n",
        "        committed = any(\n",
        P2,
        ("tests/store/test_outcomes.py",),
        simulated=False,
    ),
    Mutant(
        "A seat that somebody else moved the same way proves our commit",
        _OUTCOMES,
        "== Placed(move.after.status, move.after.changed_at_ms, move.by)",
        "is not None",
        P2,
        ("tests/store/test_outcomes.py",),
        simulated=False,
    ),
    Mutant(
        "A check-in counts as a seat that comes back",
        _RECORDS,
        "return sum(not move.after.holds_seat for move in entry.moved)",
        "return len(entry.moved)",
        LIVE,
        _IN_MEMORY,
        simulated=False,
    ),
)

MEMORY: Final = (
    Mutant(
        "In memory the revision is not compared",
        _MEMORY,
        "(row.auction.revision, row.fence) == (entry.expected, entry.fence)",
        "row.fence == entry.fence",
        P8,
        _IN_MEMORY,
        simulated=False,
    ),
    Mutant(
        "In memory the fence is not compared",
        _MEMORY,
        "(row.auction.revision, row.fence) == (entry.expected, entry.fence)",
        "row.auction.revision == entry.expected",
        P8,
        _IN_MEMORY,
    ),
    Mutant(
        "In memory a resolve does not move the fence",
        _MEMORY,
        "            row.fence = token\n            resolved",
        "            resolved",
        P8,
        _IN_MEMORY,
    ),
    Mutant(
        "In memory a resolve that is asked again finds itself in the way",
        _MEMORY,
        "row.fence in (entry.fence, token)",
        "row.fence == entry.fence",
        P8,
        _IN_MEMORY,
        simulated=False,
    ),
    Mutant(
        "In memory a takeover does not move the fence",
        _MEMORY,
        "        row.fence = token\n        held",
        "        held",
        P8,
        _IN_MEMORY,
    ),
    Mutant(
        "In memory the key is looked up after the constraints",
        _MEMORY,
        "why = Why.KEY if old is not None else _why(database, new, cancelled)",
        "why = _why(database, new, cancelled) or (Why.KEY if old is not None else None)",
        P5,
        _IN_MEMORY,
        simulated=False,
    ),
    Mutant(
        "In memory one auction's offender fails its neighbours",
        _MEMORY,
        "if entry.auction_id not in named\n",
        "if not named\n",
        LIVE,
        _IN_MEMORY,
    ),
    Mutant(
        "In memory a seat that is cancelled in a turn cannot be sold in it",
        _MEMORY,
        "if in_seat is not None and in_seat not in cancelled:",
        "if in_seat is not None:",
        P1,
        _IN_MEMORY,
    ),
    Mutant(
        "In memory half a batch is written before a constraint refuses it",
        _MEMORY,
        "        check(self._database, written)\n"
        "        for entry in written:\n"
        "            _write(self._database, entry, commit_id)\n",
        "        for entry in written:\n"
        "            check(self._database, [entry])\n"
        "            _write(self._database, entry, commit_id)\n",
        P8,
        _IN_MEMORY,
        simulated=False,
    ),
    Mutant(
        "In memory it is not kept who gave a seat back",
        _MEMORY,
        "        given_back=after.given_back,\n",
        "",
        P4,
        _IN_MEMORY,
        simulated=False,
    ),
    Mutant(
        "In memory an earlier process keeps its name",
        _LEASES_IN_MEMORY,
        "incarnation, high_water_ms = earlier.incarnation + 1,",
        "incarnation, high_water_ms = earlier.incarnation,",
        P8,
        _IN_MEMORY,
        simulated=False,
    ),
)

POSTGRES: Final = (
    Mutant(
        "The statement does not compare the revision",
        _STATEMENT,
        "and a.revision = e.expected and a.fence = e.fence",
        "and a.fence = e.fence",
        P8,
        _in_postgres("commit"),
        simulated=False,
    ),
    Mutant(
        "The statement does not compare the fence",
        _STATEMENT,
        "and a.revision = e.expected and a.fence = e.fence",
        "and a.revision = e.expected",
        P8,
        _in_postgres("commit"),
        simulated=False,
    ),
    Mutant(
        "The statement writes auctions that have an offender",
        _STATEMENT,
        "      and e.auction_id not in (select auction_id from bad)\n",
        "",
        P1,
        _in_postgres("commit_offenders"),
        simulated=False,
    ),
    Mutant(
        "The statement names the constraint before the key",
        _STATEMENT,
        "case when old is not null then 'key' else why end as why",
        "coalesce(why, case when old is not null then 'key' end) as why",
        P5,
        _in_postgres("commit_offenders"),
        simulated=False,
    ),
    Mutant(
        "The statement lets two turns without a revision meet",
        _STATEMENT,
        "          a.status = e.status\n",
        "          true\n",
        P8,
        _in_postgres("commit_seats"),
        simulated=False,
    ),
    Mutant(
        "The statement does not notice that a reservation was moved meanwhile",
        _STATEMENT,
        "where 1 / ((select count(*) from chg)\n"
        "    = (select count(*) from c where c.auction_id in (select id from upd)))::int = 1",
        "where (select count(*) from chg) >= 0",
        P3,
        _RACES,
        simulated=False,
    ),
    Mutant(
        "The statement refuses the codes of classes long over",
        _STATEMENT,
        "where q.code = r.code and q.code_live limit 1",
        "where q.code = r.code limit 1",
        P7,
        _in_postgres("schedule"),
        simulated=False,
    ),
    Mutant(
        "The statement lets the stored instant fall",
        _STATEMENT,
        "high_water = greatest(a.high_water, e.high_water)",
        "high_water = e.high_water",
        P4,
        _in_postgres("commit"),
        simulated=False,
    ),
    Mutant(
        "A resolve leaves the fence where it is",
        _STATEMENT,
        "update auction a set fence = $1\nfrom unnest",
        "update auction a set fence = case when $1::bigint > 0 then a.fence end\nfrom unnest",
        P8,
        _in_postgres("commit_owners"),
        simulated=False,
    ),
    Mutant(
        "A resolve that is asked again finds itself in the way",
        _STATEMENT,
        "a.fence in (x.old, $1)",
        "a.fence = x.old",
        P8,
        _in_postgres("commit_owners"),
        simulated=False,
    ),
    Mutant(
        "A takeover does not ask whose the shards are",
        _STATEMENT,
        "    and id % (select count(*) from shard) in (select no from own)\n",
        "    and (select count(*) from own) >= 0\n",
        P8,
        _in_postgres("commit_owners"),
        simulated=False,
    ),
    Mutant(
        "A superseded process takes over what its name owns",
        _STATEMENT,
        "where n.id = $3 and n.incarnation = $4)",
        "where n.id = $3 and n.incarnation >= $4)",
        P8,
        _in_postgres("commit_owners"),
        simulated=False,
    ),
    Mutant(
        "A full disk breaks the entry that met it",
        _FAILURES,
        '_NOT_NOW: Final = ("53", "55P03", "57014")',
        '_NOT_NOW: Final = ("55P03", "57014")',
        LIVE,
        ("tests/store/test_failures.py",),
        simulated=False,
    ),
    Mutant(
        "A server that goes down is believed to have rolled back",
        _FAILURES,
        '_PROVES_NOTHING: Final = ("08", "57P", "58", "XX000")',
        '_PROVES_NOTHING: Final = ("08", "58", "XX000")',
        P3,
        ("tests/store/test_failures.py",),
        simulated=False,
    ),
    Mutant(
        "What ends the session is believed to have rolled back",
        _FAILURES,
        'severity not in ("FATAL", "PANIC") and not error.sqlstate',
        "severity is not None and not error.sqlstate",
        P3,
        ("tests/store/test_failures.py",),
        simulated=False,
    ),
    Mutant(
        "A superseded process goes on beating",
        _LEASES,
        "where id = $1 and incarnation = $2\nreturning true",
        "where id = $1 and incarnation >= $2\nreturning true",
        P8,
        _in_postgres("leases"),
        simulated=False,
    ),
    Mutant(
        "Members that beat lose their shards to who asks",
        _LEASES,
        "select id from node where lease_until <= now() and id <> $1 order by id",
        "select id from node where id <> $1 order by id",
        P8,
        _in_postgres("leases"),
        simulated=False,
    ),
)

MUTANTS: Final = (*SHARED, *MEMORY, *POSTGRES)
