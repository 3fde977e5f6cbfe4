"""Nothing secret or personal is in what the server says to operators, whatever goes wrong.

Every secret here occurs nowhere else. All of them are used, misused and sent in the wrong places,
while all is well, while the database is away, while the code behind a route breaks, and until the
process is killed; then stdout, stderr, every file beside the database, the metrics and the answers
are searched.
"""

import re
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import orjson

from tests.e2e.program import Api, Guest, Program, client, live, seed, serving
from tests.engine.world import eventually
from tests.hostile import wire
from tests.hostile.stand import GENEROUS
from tests.store.proxy import Proxy, Streams

SETTINGS = {
    **GENEROUS,
    "HOTHOUR_LOG_LEVEL": "debug",
    "HOTHOUR_EMAIL_VERIFICATION": "on",
    "HOTHOUR_UNSENT_TIMEOUT_MS": "300",
}
TOKEN_IN_MAIL = re.compile(r"token=([\w.=-]+)")

TALKATIVE = """
    create function refuse() returns trigger language plpgsql as $$ begin
        raise exception 'nobody is welcome: % % %', new.email, new.phone, new.password_hash;
    end $$;
    create trigger refuse before insert on account for each row execute function refuse();
"""
"""A database whose errors hold what was sent to it; they end up in tracebacks."""


@dataclass(slots=True)
class Person:
    """Somebody with secrets, all of them unmistakable."""

    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    @property
    def email(self) -> str:
        return f"kanarya.{self.mark}@example.com"

    @property
    def name(self) -> str:
        return f"Kanarya{self.mark}"

    @property
    def phone(self) -> str:
        return f"+90532{int(self.mark, 16) % 10_000_000:07}"

    @property
    def password(self) -> str:
        return f"parola-{self.mark}"

    @property
    def wrong(self) -> str:
        return f"yanlis-{self.mark}"

    @property
    def key(self) -> str:
        return f"idempotency-{self.mark}"

    @property
    def junk(self) -> str:
        """What might be a token of somebody else's making."""
        return f"eyJhbGciOiJub25lIn0.{self.mark}.{self.mark}"

    def said(self) -> set[str]:
        """All of it but the e-mail address, which its own mails are named after."""
        return {self.email, self.name, self.phone, self.password, self.wrong, self.key, self.mark}

    def form(self) -> dict[str, str]:
        return {
            "email": self.email,
            "full_name": self.name,
            "phone": self.phone,
            "password": self.password,
        }


@dataclass(slots=True)
class Told:
    """What came back, and what was learnt on the way."""

    bodies: list[str] = field(default_factory=list)
    """Of refusals."""
    tokens: set[str] = field(default_factory=set)
    statuses: list[int] = field(default_factory=list)


@dataclass(slots=True)
class House:
    """A server, and somebody who does everything that can be done."""

    server: Program
    api: Api
    auction: int
    told: Told = field(default_factory=Told)

    async def ask(self, method: str, path: str, **request: object) -> dict[str, object]:
        """A request; refusals are kept, tokens are remembered."""
        status, body = await self.api.call(method, path, **request)  # type: ignore[arg-type]
        self.told.statuses.append(status)
        if status >= 400:
            self.told.bodies.append(orjson.dumps(body).decode())
        elif isinstance(body, dict):
            for name in ("access_token", "refresh_token"):
                if isinstance(body.get(name), str):
                    self.told.tokens.add(body[name])
            return body
        return {}

    async def everything(self, person: Person, links: set[str]) -> None:
        """All that is right, and all that can go wrong with it."""
        form = person.form()
        for body in (form, {**form, "email": [person.email]}, {**form, person.mark: person.mark}):
            await self.ask("POST", "/auth/register", json=body)
        for password in (person.wrong, person.password, [person.password]):
            await self.ask(
                "POST", "/auth/login", json={"email": person.email, "password": password}
            )
        await self.ask("POST", "/auth/forgot-password", json={"email": person.email})
        for token in (person.junk, *links):
            await self._with_token(person, token)
        for raw in (orjson.dumps(form)[:-2], b"\xff" + orjson.dumps(form), orjson.dumps([form])):
            headers = {"Content-Type": "application/json"}
            await self.ask("POST", "/auth/login", data=raw, headers=headers)
        await self._press(person)
        await self._on_sockets(person)
        await self._no_http(person)

    async def _with_token(self, person: Person, token: str) -> None:
        guest = Guest(1, token)
        await self.ask("GET", "/auth/me", by=guest)
        await self.ask("GET", f"/auctions?token={token}")
        await self.ask("GET", "/auth/me", headers={"Authorization": f"Basic {token}"})
        await self.ask("GET", "/auth/me", headers={"Cookie": f"access_token={token}"})
        await self.ask("POST", "/auth/refresh", json={"refresh_token": token})
        await self.ask("POST", "/auth/verify-email", json={"token": token})
        reset = {"token": token, "new_password": person.password}
        await self.ask("POST", "/auth/reset-password", json=reset)
        change = {"current_password": person.wrong, "new_password": person.password}
        await self.ask("POST", "/auth/change-password", json=change, by=guest)
        for page in ("verify-email", "reset-password"):
            async with self.api.session.get(f"{self.api.url}/{page}?token={token}") as answer:
                self.told.statuses.append(answer.status)

    async def _press(self, person: Person) -> None:
        body = {"auction_id": self.auction}
        for token in sorted(self.told.tokens):
            await self.ask(
                "POST", "/reservations/book", json=body, key=person.key, by=Guest(1, token)
            )
        for key in (f"not a key {person.mark}", person.key * 4):
            await self.ask("POST", "/reservations/book", json=body, key=key)

    async def _on_sockets(self, person: Person) -> None:
        async with live(self.server.url) as ws:
            for message in (
                {"type": "authenticate", "ref": 1, "token": person.junk},
                {"type": "authenticate", "ref": 1, "token": [person.junk]},
                {"type": "book", "ref": 1, "auction_id": 1, "idempotency_key": person.key},
                {"type": person.mark, "ref": 1},
            ):
                await ws.send_json(message)
                await ws.receive()
            await ws.send_bytes(person.mark.encode())
            await ws.receive()
        for headers in (
            {"Authorization": f"Bearer {person.junk}"},
            {"Sec-WebSocket-Protocol": person.junk},
            {"Sec-WebSocket-Protocol": f"hothour.v1, {person.junk}"},
            {"Origin": f"https://{person.mark}.example"},
        ):
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            await wire.live(self.port, [], lines.encode())

    async def _no_http(self, person: Person) -> None:
        mark = person.mark.encode()
        for raw in (
            b"GET /%b\0 HTTP/1.1\r\n\r\n" % mark,
            b"GET / HTTP/1.1\r\nAuthorization: Bearer %b\0\r\n\r\n" % mark,
            b"%b / HTTP/1.1\r\n\r\n" % mark,
            b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n" % mark,
        ):
            await wire.http(self.port, [raw], 1)

    @property
    def port(self) -> int:
        return int(self.server.url.rpartition(":")[2])


def links_of(folder: Path) -> set[str]:
    """The tokens of all mailed links."""
    found: set[str] = set()
    for mail in (folder / "data" / "mail").glob("*"):
        text = mail.read_text(errors="replace").replace("=\n", "").replace("=3D", "=")
        found |= {token.rstrip(".") for token in TOKEN_IN_MAIL.findall(text)}
    return found


async def said(folder: Path, server: Program) -> dict[str, str]:
    """Everything operators get to read, by where."""
    assert server.process.stdout is not None
    stdout = (await server.process.stdout.read()).decode()
    return {"stdout": stdout, "stderr": server.log, **written(folder, server)}


def written(folder: Path, server: Program) -> dict[str, str]:
    """Every file beside the database and the mails, and every log."""
    told = {}
    for path in folder.rglob("*"):
        kept = "mail" in path.parts or "postgres" in path.parts or path.name == "seed.json"
        if path.is_file() and (not kept or path.suffix == ".log") and path != server.stderr_path:
            told[path.name] = path.read_text(errors="replace")
    return told


def leaks(told: dict[str, str], secrets: set[str]) -> list[tuple[str, str, str]]:
    """(where, secret, the line it is in)."""
    return [
        (where, secret, line)
        for where, text in told.items()
        for line in text.splitlines()
        for secret in secrets
        if secret in line
    ]


@asynccontextmanager
async def a_house(folder: Path, **settings: str) -> AsyncIterator[House]:
    given = {**SETTINGS, **settings}
    async with serving(folder, **given) as server, client(server.url) as api:
        cast = await seed(folder, 2, **given)
        auction = (await api.sale(cast.admin, seats=3))["id"]
        house = House(server, api, auction)
        house.told.tokens |= {guest.token for guest in cast.guests}
        yield house


async def metrics_of(house: House) -> str:
    async with house.api.session.get(f"{house.api.url}/metrics") as answer:
        assert answer.status == 200
        return await answer.text()


def secrets_of(house: House, *people: Person) -> set[str]:
    found = set(house.told.tokens)
    for person in people:
        found |= person.said()
    return found


async def test_nothing_secret_is_said_until_the_process_is_killed(tmp_path: Path) -> None:
    """All is well; then the code behind the routes breaks; then nobody says anything any more."""
    one, two = Person(), Person()
    async with a_house(tmp_path) as house:
        await house.everything(one, set())
        await eventually(lambda: bool(links_of(tmp_path)))
        links = links_of(tmp_path)
        await house.everything(one, links)
        assert {200, 201, 202, 204, 401, 422} <= set(house.told.statuses)
        dsn = orjson.loads((tmp_path / "data" / "postgres.lock").read_bytes())["dsn"]
        database = await asyncpg.connect(dsn)
        codes = {row["code"] for row in await database.fetch("select code from reservation")}
        await database.execute(TALKATIVE)
        await house.ask("POST", "/auth/register", json=two.form())
        await database.execute("alter table account rename to no_account")
        await house.everything(two, links)
        await database.close()
        assert 500 in house.told.statuses, "INCONCLUSIVE: nothing broke"
        metrics = await metrics_of(house)
        await house.server.stop(signal.SIGKILL)
        told = await said(tmp_path, house.server)
    assert "nobody is welcome" in told["stderr"], "INCONCLUSIVE: nothing was said of it"
    assert codes
    secrets = secrets_of(house, one, two) | links | codes | {"$2b$04$"}
    assert len(secrets) > 15
    assert leaks({**told, "metrics": metrics}, secrets) == []
    bodies = {"answers": "\n".join(house.told.bodies)}
    # A field's own name, a path that was asked for, may be given back to whoever sent it.
    private = {s for p in (one, two) for s in (p.password, p.wrong, p.email, p.phone, p.key)}
    assert leaks(bodies, private | house.told.tokens | links) == []


class Street(Proxy):
    """A way to the database that can be closed."""

    closed = False

    async def dial(self) -> Streams:
        if self.closed:
            raise OSError("the street is closed")
        return await super().dial()

    def close(self) -> None:
        """Cut everybody off; nobody else gets through."""
        self.closed = True
        for each in self.wires:
            each.abort()


async def test_nothing_secret_is_said_while_the_database_is_away(
    tmp_path: Path, database: str
) -> None:
    one, two = Person(), Person()
    sockets = tmp_path / "street"
    sockets.mkdir()
    async with (
        Street(database).listening(sockets) as street,
        a_house(tmp_path, HOTHOUR_DATABASE_URL=street.dsn) as house,
    ):
        assert isinstance(street, Street)
        await house.everything(one, set())
        street.close()
        before = len(house.told.statuses)
        await house.everything(two, set())
        assert 503 in house.told.statuses[before:], "INCONCLUSIVE: the database was there"
        metrics = await metrics_of(house)
        await house.server.stop(signal.SIGKILL)
        told = await said(tmp_path, house.server)
    assert told["stderr"]
    secrets = secrets_of(house, one, two)
    assert leaks({**told, "metrics": metrics}, secrets) == []
    private = {s for p in (one, two) for s in (p.password, p.wrong, p.email, p.phone, p.key)}
    bodies = {"answers": "\n".join(house.told.bodies)}
    assert leaks(bodies, private | house.told.tokens) == []


def test_a_leak_is_found() -> None:
    person = Person()
    told = {"stderr": f"all is well\nlog-in of {person.email} failed", "stdout": "ready"}
    assert leaks(told, person.said()) != []
    assert {where for where, _, _ in leaks(told, person.said())} == {"stderr"}
    assert leaks(told, Person().said()) == []
