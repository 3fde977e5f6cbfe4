"""The `hothour` command as a process: what it prints where, and how it ends."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.e2e.program import QUIET, Api, Program, client, run, seed, serving

PASSWORD = "a password of some length"


class Beside:
    """A running server, and commands on the same data directory."""

    def __init__(self, server: Program, folder: Path, api: Api) -> None:
        self.server = server
        self.folder = folder
        self.api = api

    async def __call__(self, *arguments: str, **settings: str) -> tuple[int, str, str]:
        given = {"HOTHOUR_DATA_DIR": str(self.folder / "data"), **QUIET, **settings}
        return await run(*arguments, cwd=self.folder, **given)


@pytest.fixture(scope="module")
async def beside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Beside]:
    folder = tmp_path_factory.mktemp("main")
    async with serving(folder) as server, client(server.url) as api:
        yield Beside(server, folder, api)


async def test_an_operator_makes_a_studio_and_its_people(beside: Beside) -> None:
    code, out, err = await beside("studio", "create", "--name", "Nefes", "--zone", "Asia/Tokyo")
    assert (code, err, out) == (0, "", f"{int(out)}\n")
    status, studio = await beside.api.call("GET", f"/studios/{int(out)}")
    assert (status, studio["name"], studio["zone"]) == (200, "Nefes", "Asia/Tokyo")
    person = ["--email", "Selin@Example.com", "--name", "Selin", "--password-env", "PW"]
    code, made, err = await beside(
        *("user", "create", "--role", "desk", "--studio", out.strip(), *person), PW=PASSWORD
    )
    assert (code, err, made) == (0, "", f"{int(made)}\n")
    body = {"email": "selin@example.com", "password": PASSWORD}
    status, signed_in = await beside.api.call("POST", "/auth/login", json=body)
    assert (status, signed_in["user"]["id"]) == (200, int(made))
    assert signed_in["user"]["role"] == "desk"
    assert signed_in["user"]["email_verified"]


async def test_what_an_operator_gets_wrong_is_one_sentence(beside: Beside) -> None:
    person = ["user", "create", "--name", "Selin", "--password-env", "PW"]
    wrong = (
        [*person, "--email", "nobody", "--role", "customer"],
        [*person, "--email", "desk@example.com", "--role", "desk"],
        ["studio", "create", "--name", "Nefes", "--zone", "Mars/Olympus"],
    )
    for code, out, err in await asyncio.gather(*(beside(*each, PW=PASSWORD) for each in wrong)):
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert err.startswith("hothour: ")


async def test_seeding_twice_beside_the_server_adds_guests_who_can_sign_in(beside: Beside) -> None:
    first = await seed(beside.folder, 2)
    both = await seed(beside.folder, 1)
    assert [guest.id for guest in both.guests[:2]] == [guest.id for guest in first.guests]
    assert (len(both.guests), both.studio_id) == (3, first.studio_id)
    for guest in (*both.guests, both.admin):
        status, me = await beside.api.call("GET", "/auth/me", by=guest)
        assert (status, me["id"]) == (200, guest.id)


async def test_seeding_is_refused_in_production(beside: Beside) -> None:
    production = {
        "HOTHOUR_ENV": "production",
        "HOTHOUR_SECRET_KEY": "d2h5IGRvIHlvdSByZWFkIHRoaXM/IGdvIG9u",
        "HOTHOUR_RATE_LIMITS": "on",
        "HOTHOUR_ALLOW_UNSAFE_DATABASE": "off",
        "HOTHOUR_BCRYPT_COST": "12",
    }
    code, out, err = await beside("seed", "--users", "1", "--out", "no.json", **production)
    assert (code, out) == (2, "")
    assert err == "hothour: Seeding is refused in production: its tokens are for tests.\n"
    assert not (beside.folder / "no.json").exists()


async def test_is_it_healthy(beside: Beside) -> None:
    assert await beside("healthcheck", "--url", beside.server.url) == (0, "", "")
    code, out, err = await beside("healthcheck", HOTHOUR_PORT="1")
    assert (code, out, err) == (1, "", "http://127.0.0.1:1 is not ready\n")


async def test_migrating_a_database_that_is_in_use_changes_nothing(beside: Beside) -> None:
    assert await beside("migrate") == (0, "", "")


async def test_the_document_is_the_one_that_is_served(beside: Beside) -> None:
    code, out, err = await beside("openapi")
    assert (code, err) == (0, "")
    status, served = await beside.api.call("GET", "/openapi.json")
    assert (status, served) == (200, json.loads(out))


async def test_settings_are_shown_with_their_origin_and_without_secrets(beside: Beside) -> None:
    code, out, err = await beside(
        "settings", HOTHOUR_PORT="81", HOTHOUR_DATABASE_URL="postgresql://u:sesame@db/hot"
    )
    assert (code, err) == (0, "")
    assert "HOTHOUR_PORT=81\n    environment: Port to listen on" in out
    assert "HOTHOUR_DATABASE_URL=********\n    environment: " in out
    assert "sesame" not in out


async def test_alone_a_command_starts_the_database_and_leaves_it_for_the_server(
    tmp_path: Path,
) -> None:
    given = {"HOTHOUR_DATA_DIR": str(tmp_path / "data"), **QUIET}
    code, out, err = await run("studio", "create", "--name", "Nefes", cwd=tmp_path, **given)
    assert (code, out) == (0, f"{int(out)}\n"), err
    async with serving(tmp_path) as server, client(server.url) as api:
        status, studio = await api.call("GET", f"/studios/{int(out)}")
        assert (status, studio["name"]) == (200, "Nefes")
        assert await server.stop(signal.SIGINT) == 0
        assert await rest_of_stdout(server) == b""


async def test_a_server_says_one_line_and_ends_when_it_is_asked(
    tmp_path: Path, database: str
) -> None:
    async with serving(tmp_path, HOTHOUR_DATABASE_URL=database) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert await server.stop(signal.SIGTERM) == 0
        assert await rest_of_stdout(server) == b""
        assert "Traceback" not in server.log


async def test_a_server_whose_name_another_one_bears_ends_with_one(
    tmp_path: Path, database: str
) -> None:
    db = await asyncpg.connect(database)
    async with serving(tmp_path, HOTHOUR_DATABASE_URL=database) as server:
        await db.execute("update node set incarnation = incarnation + 1")
        assert await server.process.wait() == 1
        assert await rest_of_stdout(server) == b""
    await db.close()


async def rest_of_stdout(server: Program) -> bytes:
    """What came after the line that says it is ready."""
    assert server.process.stdout is not None
    return await server.process.stdout.read()
