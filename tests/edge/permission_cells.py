"""Judges one cell of the permission matrix: what was heard, what was written, what was let out."""

from collections.abc import Mapping
from typing import Any, Final, Self

from edge.problems import TABLE
from engine.errors import HotHourError, NotFound
from tests.edge.permission_requests import Answer, Voice, body_of
from tests.edge.permission_scenes import Scene, Stage
from tests.edge.permissions import Asker, Heard, Of, Rule, Verdict, Whose
from tests.edge.premises import Premises, Sale

ABSENT_ID: Final = 2**40 + 7
ABSENT_CODE: Final = "HOT-2222"


async def faults(
    stage: Stage, voice: Voice, rule: Rule, asker: Asker, whose: Whose, verdict: Verdict
) -> list[str]:
    """Everything about one cell that is not as its rule says."""
    scene = await stage.set(rule, asker, whose)
    body = await body_of(rule, asker, stage.premises, scene)
    trace = await Trace(stage.premises, scene.sale).start()
    if rule.is_live:
        answer = await voice.say(rule, asker, scene, body or {})
    else:
        answer = await voice.ask(rule, scene, body, scene.names)
    changes = await trace.changes()
    if isinstance(verdict, Heard):
        found = _allowed(rule, scene, verdict, answer, changes)
    else:
        found = _refused(rule, scene, verdict, answer, changes)
        if verdict is NotFound and "{" in rule.name:
            absent = {name: str(ABSENT_ID) for name in scene.names} | {"booking_code": ABSENT_CODE}
            found += _unlike(answer, await voice.ask(rule, scene, body, absent))
    how = f" ({rule.how})" if rule.how else ""
    return [f"{rule.name}{how} by {asker.value}, {whose.value}: {each}" for each in found]


class Trace:
    """What is written from now on."""

    TABLES = ("account", "account_token", "idempotency_key", "reservation", "session", "studio")

    def __init__(self, premises: Premises, sale: Sale | None) -> None:
        self._database = premises.database
        self._sale_id = 0 if sale is None else sale.id
        self._since = 0
        self._before: Mapping[str, Any] = {}

    async def start(self) -> Self:
        self._since = await self._database.fetchval("select pg_current_xact_id()::text::bigint")
        self._before = await self._look()
        return self

    async def changes(self) -> set[str]:
        """The tables that are not as they were."""
        after = await self._look()
        return {name for name, value in after.items() if self._before[name] != value}

    async def _look(self) -> Mapping[str, Any]:
        newer = ", ".join(
            f"(select row(count(*), count(*) filter (where xmin::text::bigint >= {self._since}))"
            f"::text from {table}) as {table}"
            for table in self.TABLES
        )
        # Whoever asks for a sale has it loaded, which moves its fence: no change of the sale. What
        # happens to other sales by the clock is nobody's doing.
        row: Any = await self._database.fetchrow(
            f"""select {newer}, (select count(*) from outbox) as outbox,
            (select count(*) from auction) as auctions,
            (select count(*) from event where auction_id = $1) as event,
            (select to_jsonb(a) - '{{fence,high_water}}'::text[] from auction a where id = $1)
            as auction""",
            self._sale_id,
        )
        return dict(row)


def _allowed(
    rule: Rule, scene: Scene, verdict: Heard, answer: Answer, changes: set[str]
) -> list[str]:
    found = []
    if answer.code or not (rule.is_live or 200 <= answer.status < 300):
        return [f"refused, {answer.status} {answer.code}: {answer.text[:300]}"]
    if rule.is_read and changes:
        found.append(f"a read wrote to {sorted(changes)}")
    if not rule.is_read and bool(changes) != rule.writes:
        found.append(f"wrote to {sorted(changes) or 'nothing'}")
    told = [mark for mark in scene.secrets if mark in answer.text]
    if verdict is Heard.WITHOUT:
        told = [mark for mark in told if scene.seat is None or mark != scene.seat.sale.title]
        found += [f"let out {mark}" for mark in told]
    elif rule.is_read and rule.shows and rule.of in _MARKED and not told:
        found.append("the thing is not in the answer")
    if verdict is Heard.MASKED and scene.seat is not None:
        found += [f"let out {mark}" for mark in scene.seat.guest.marks if mark in answer.text]
        if scene.seat.code not in answer.text:
            found.append("the seat is not in the answer")
    return found


def _refused(
    rule: Rule, scene: Scene, verdict: type[HotHourError], answer: Answer, changes: set[str]
) -> list[str]:
    found = []
    status, code = TABLE[verdict].status, verdict.code
    if answer.code != code or (not rule.is_live and answer.status != status):
        found.append(f"not {status} {code}: {answer.status} {answer.code or 'allowed'}")
    if changes:
        found.append(f"was refused, and wrote to {sorted(changes)}")
    found += [f"let out {mark}" for mark in scene.secrets if mark in answer.text]
    return found


def _unlike(answer: Answer, of_nothing: Answer) -> list[str]:
    """A thing that is kept secret looks like one that does not exist."""
    same = ("type", "title", "status", "detail", "code", "errors", "retryable")
    mine, none = answer.problem or {}, of_nothing.problem or {}
    differ = [name for name in same if mine.get(name) != none.get(name)]
    return [f"unlike what is not there, in {differ}"] if differ else []


_MARKED: Final = frozenset({Of.SALE, Of.DRAFT, Of.SEAT})
"""Things with words of their own."""
