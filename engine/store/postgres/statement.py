"""The heart: one statement that commits the turns of many auctions, each whole or not at all.

Five lists enter, one row each, sorted by auction and id:

    e   entries: compare-and-set on (revision, fence), then the new absolute values
    r   reservations to insert
    v   events, with absolute revisions expected + 1 ... expected + k
    o   outbox rows
    c   reservations that change: status `was` -> `status`

`bad` names the rows that would break a rule, before anything is written. `upd` moves the auctions
that have none and are still where their turn left them; all else hangs off `upd`. So an offender
costs its own entry, a stale owner writes nothing, and neighbours commit.

There are three texts of it: most batches move no reservation and edit no auction, and what is not
in the text is not set up either (a fifth of the time of a booking alone).

What must stay as it is:

- Probes are scalar sub-selects with `limit 1`, never EXISTS, which the planner may turn into a hash
  of every live reservation and every account, for each batch.
- `a.id = any (...)` says nothing new, but without it the planner joins small tables by reading
  them whole, and keeps that plan while they grow. It needs nested loops to be off (commit.py): in
  one the whole list would be looked through again for each entry.
- A statement that waited for a row lock sees the row's new version in `upd` (revision and fence
  are checked again on it) but everything else as of its start. Hence `chg` is counted: had
  somebody moved a reservation meanwhile, the division by zero rolls everything back (22012).
- `ins` waits for `chg`: a seat that is cancelled and sold again in one turn has to be free first.
- Nothing public changes without a revision (k = 0), so two such turns may meet at one (revision,
  fence) and the compare-and-set does not tell them apart. What they do is guarded by the status of
  each reservation they move. One public number may follow: a seat that comes back after the end
  counts as free. It is allowed by exactly as many as this turn cancels, counted from the row's
  present value, so that the second of two such turns does not match instead of undoing the first.
"""

from dataclasses import dataclass
from typing import Final

from engine.store.records import HAND_OVER_MS

Columns = tuple[tuple[str, str], ...]

ENTRY: Final[Columns] = (
    ("auction_id", "bigint"),
    ("expected", "bigint"),
    ("fence", "bigint"),
    ("k", "int"),
    ("status", "text"),
    ("seats_left", "int"),
    ("turbo_started_at", "timestamptz"),
    ("frozen_at", "timestamptz"),
    ("high_water", "timestamptz"),
)
EDIT: Final[Columns] = (
    ("title", "text"),
    ("description", "text"),
    ("allowed_gender", "text"),
    ("start_price", "bigint"),
    ("floor_price", "bigint"),
    ("drop_amount", "bigint"),
    ("drop_every_ms", "bigint"),
    ("starts_at", "timestamptz"),
    ("ends_at", "timestamptz"),
    ("class_at", "timestamptz"),
    ("seats", "int"),
    ("turbo_amount", "bigint"),
    ("turbo_trigger_ms", "bigint"),
    ("turbo_every_ms", "bigint"),
)
BOOKING: Final[Columns] = (
    ("id", "bigint"),
    ("auction_id", "bigint"),
    ("user_id", "bigint"),
    ("seat_no", "int"),
    ("price", "bigint"),
    ("max_price", "bigint"),
    ("code", "text"),
    ("key", "text"),
    ("revision", "bigint"),
    ("accepted_at", "timestamptz"),
)
TOKEN: Final[Columns] = (("qr_token", "uuid"),)
"""Beside BOOKING, drawn by us: the column's default took 1.1 ms of a batch of 256 (EXPLAIN)."""
MOVE: Final[Columns] = (
    ("id", "bigint"),
    ("auction_id", "bigint"),
    ("was", "text"),
    ("status", "text"),
    ("changed_at", "timestamptz"),
    ("changed_by", "bigint"),
    ("change_reason", "text"),
    ("given_back", "bool"),
    ("late_cancel", "bool"),
)
EVENT: Final[Columns] = (
    ("auction_id", "bigint"),
    ("revision", "bigint"),
    ("kind", "text"),
    ("at", "timestamptz"),
    ("payload", "text"),
)
NOTICE: Final[Columns] = (
    ("id", "bigint"),
    ("auction_id", "bigint"),
    ("user_id", "bigint"),
    ("topic", "text"),
    ("payload", "text"),
)

_SQL: Final = """
with e as materialized (select * from {e}),
r as materialized (select * from {r}),
v as (select * from {v}),
o as (select * from {o}),{c}
bad as materialized (
    select auction_id, user_id, seat_no, code, old[1] as old, old[2] as old_auction_id,
        case when old is not null then 'key' else why end as why
    from (
        select r.auction_id, r.user_id, r.seat_no, r.code,
            (select array[q.id, q.auction_id] from reservation q
             where q.user_id = r.user_id and q.key = r.key limit 1) as old,
            case
                when (select 1 from reservation q
                     where q.auction_id = r.auction_id and q.user_id = r.user_id
                       and q.status <> 'CANCELLED'{but_cancelled_here}
                     limit 1) is not null then 'user'
                when (select 1 from reservation q
                     where q.auction_id = r.auction_id and q.seat_no = r.seat_no
                       and q.status <> 'CANCELLED'{but_cancelled_here}
                     limit 1) is not null then 'seat'
                when (select 1 from reservation q
                     where q.code = r.code and q.code_live limit 1) is not null then 'code'
                when (select 1 from account q
                     where q.id = r.user_id and q.state = 'OK'
                       and q.email_verified_at is not null limit 1) is null then 'account'
            end as why
        from r
        offset 0
    ) probed
    where old is not null or why is not null{bad_moves}
),
upd as (
    update auction a set
        revision = a.revision + e.k, status = e.status, seats_left = e.seats_left,
        turbo_started_at = e.turbo_started_at, frozen_at = e.frozen_at,
        high_water = greatest(a.high_water, e.high_water), last_commit_id = $1::uuid{edits}
    from e
    where a.id = e.auction_id and a.id = any (array(select auction_id from e))
      and a.revision = e.expected and a.fence = e.fence
      and (e.k > 0{or_nothing_public})
      and e.auction_id not in (select auction_id from bad)
    returning a.id
),{chg}
ins as (
    insert into reservation ({booking})
    select {booking} from r
    where r.auction_id in (select id from upd){after_moves}
),
evs as (
    insert into event (auction_id, revision, kind, at, payload, commit_id)
    select v.auction_id, v.revision, v.kind, v.at, v.payload::jsonb, $1::uuid from v
    where v.auction_id in (select id from upd)
),
obx as (
    insert into outbox (id, auction_id, user_id, topic, payload, due_at)
    select o.id, o.auction_id, o.user_id, o.topic, o.payload::jsonb,
        now() + interval '{hand_over_ms} milliseconds' from o
    where o.auction_id in (select id from upd)
)
select array(select id from upd) as written, null::bigint as auction_id, null::bigint as user_id,
    null::int as seat_no, null::text as code, null::bigint as old, null::bigint as old_auction_id,
    null::text as why, null::bool as fresh{unless_moved}
union all
select null, b.auction_id, b.user_id, b.seat_no, b.code, b.old, b.old_auction_id, b.why,
    (select true from auction a
     where a.id = b.auction_id and (a.revision, a.fence) = (
         select e.expected, e.fence from e where e.auction_id = b.auction_id limit 1)) is true
from bad b
"""

_MOVES: Final = {
    "c": """
c as materialized (select * from {c}),""",
    "but_cancelled_here": """
                       and q.id <> all (array(select id from c where status = 'CANCELLED'))""",
    "bad_moves": """
    union all
    select c.auction_id, null, null, null, c.id, null, 'status' from c
    where (select true from reservation q
           where q.id = c.id and q.auction_id = c.auction_id and q.status = c.was
           limit 1) is null""",
    "or_nothing_public": """ or (
          a.status = e.status
          and a.turbo_started_at is not distinct from e.turbo_started_at
          and a.frozen_at is not distinct from e.frozen_at
          and e.seats_left - a.seats_left = (
              select count(*) from c
              where c.auction_id = e.auction_id and c.status = 'CANCELLED'))""",
    "chg": """
chg as (
    update reservation q set {fate}
    from c
    where q.id = c.id and q.id = any (array(select id from c))
      and q.auction_id = c.auction_id and q.status = c.was
      and c.auction_id in (select id from upd)
    returning q.id
),""",
    "after_moves": " and (select count(*) from chg) >= 0",
    "unless_moved": """
where 1 / ((select count(*) from chg)
    = (select count(*) from c where c.auction_id in (select id from upd)))::int = 1""",
}
"""What reservations that change add to it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A text and the lists it takes after the commit id, in order."""

    sql: str
    lists: tuple[Columns, ...]

    @property
    def nothing(self) -> list[list[object]]:
        """The arguments of an empty batch."""
        return [[] for columns in self.lists for _ in columns]


def _statement(entry: Columns, *, moves: bool, edits: str = "") -> Statement:
    inserted = BOOKING + TOKEN
    lists = (entry, inserted, EVENT, NOTICE, *((MOVE,) if moves else ()))
    sources, first = {}, 2
    for alias, columns in zip("ervoc", lists, strict=False):
        sources[alias] = _unnest(alias, columns, first)
        first += len(columns)
    fate = ", ".join(f"{name} = c.{name}" for name, _ in MOVE[3:])
    sql = _SQL.format(
        **{name: sources[name] for name in "ervo"},
        **{
            name: text.format(c=sources["c"], fate=fate) if moves else ""
            for name, text in _MOVES.items()
        },
        edits=edits,
        booking=", ".join(name for name, _ in inserted),
        hand_over_ms=HAND_OVER_MS,
    )
    return Statement(sql, lists)


def _unnest(alias: str, columns: Columns, first: int) -> str:
    """`unnest($2::bigint[], $3::text[]) as e(id, title)`."""
    arrays = ", ".join(f"${first + n}::{kind}[]" for n, (_, kind) in enumerate(columns))
    return f"unnest({arrays}) as {alias}({', '.join(name for name, _ in columns)})"


PLAIN: Final = _statement(ENTRY, moves=False)
"""For nearly every batch: bookings, starts, turbos and ends. Every entry in it has a revision."""

LEAN: Final = _statement(ENTRY, moves=True)
"""For a batch in which a reservation changes."""

WIDE: Final = _statement(
    (*ENTRY, ("edited", "bool"), *EDIT),
    moves=True,
    edits="".join(
        f",\n        {name} = case when e.edited then e.{name} else a.{name} end"
        for name, _ in EDIT
    ),
)
"""For a batch in which an auction is edited."""

RESOLVE: Final = """
update auction a set fence = $1
from unnest($2::bigint[], $3::bigint[]) as x(id, old)
where a.id = x.id and a.id = any ($2::bigint[]) and a.fence in (x.old, $1)
returning a.id, a.revision, a.last_commit_id
"""
"""Sent again with the same token it changes nothing and says the same. An UPDATE, not a SELECT: its
own commit is what proves the earlier one durable."""

TRACES: Final = """
select x.id, (
    select v.commit_id from event v
    where v.auction_id = x.id and v.revision = x.revision limit 1) as event_commit_id
from unnest($1::bigint[], $2::bigint[]) as x(id, revision)
"""

PLACED: Final = """
select id, status, changed_at, changed_by from reservation where id = any ($1::bigint[])
"""

TAKE: Final = """
with mine as materialized (
    select id from auction where id = any ($2::bigint[]) and status <> 'DRAFT'
    order by id for no key update)
update auction a set fence = $1 where a.id = any (array(select id from mine)) returning a.id
"""
"""The first half of a takeover. The second reads: after a wait for a lock, this very statement
would pair the new auction with old reservations. No join: the planner makes a nested loop of one,
in which the whole list is sorted again for each auction (5,000 took 2 s)."""

TAKE_OWN: Final = """
with own as materialized (
    select s.no from shard s
    where s.no = any (array(
        select distinct x.id % (select count(*) from shard) from unnest($2::bigint[]) as x(id)))
    and s.node_id = (select n.id from node n where n.id = $3 and n.incarnation = $4)
    order by s.no for share of s),
mine as materialized (
    select id from auction
    where id = any ($2::bigint[]) and status <> 'DRAFT'
    and id % (select count(*) from shard) in (select no from own)
    order by id for no key update)
update auction a set fence = $1 where a.id = any (array(select id from mine)) returning a.id
"""
"""The same, for a member, of the shards that are its own. They are locked until the fences have
moved: a claim that is on its way is waited for and then seen, one that comes later passes them by
and takes them at its next beat. So nobody loads an auction and has it taken away unheard."""

_AUCTION: Final = ", ".join(
    (
        "id, studio_id, currency, cancel_cutoff_ms, no_show_grace_ms",
        *(name for name, _ in EDIT),
        "status, revision, fence, seats_left, turbo_started_at, frozen_at, high_water",
    )
)

AUCTIONS_OF: Final = f"""
select {_AUCTION} from auction where id = any ($1::bigint[]) and fence = $2 order by id
"""

RESERVATIONS_OF: Final = f"""
select {", ".join(name for name, _ in BOOKING)}, status, changed_at, given_back
from reservation where auction_id = any ($1::bigint[]) order by auction_id, id
"""

LOOK: Final = f"""
select {_AUCTION} from auction where id = any ($1::bigint[]) and status <> 'DRAFT' order by id
"""

FREE_BLOCKED: Final = """
select pg_terminate_backend(p) from unnest(pg_blocking_pids($1)) p
"""
"""A half-sent statement holds its row locks for ever, and statement_timeout does not fire."""
