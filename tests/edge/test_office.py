"""What an operator does: seeding guests, and a file for them that is never lost or mixed up."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import orjson
import pytest

from edge.config import load
from edge.office import SEED_PASSWORD, Office, Refusal, opened, seed
from edge.tokens import TokenMint
from engine.clock import AnchoredClock

KEY = "d2h5IGRvIHlvdSByZWFkIHRoaXM/IGdvIG9u"


@pytest.fixture
async def office(database: str) -> AsyncIterator[Office]:
    config = load({"HOTHOUR_BCRYPT_COST": "4", "HOTHOUR_ALLOW_UNSAFE_DATABASE": "on"})
    async with opened(config, database, KEY) as at:
        yield at


async def accounts(database: str) -> int:
    db = await asyncpg.connect(database)
    count: int = await db.fetchval("select count(*) from account")
    await db.close()
    return count


async def test_seeding_writes_who_there_is_and_how_they_sign_in(
    office: Office, tmp_path: Path
) -> None:
    out = tmp_path / "seed.json"
    await seed(office, 3, out, 600)
    found = orjson.loads(out.read_bytes())
    assert list(found) == ["studio_id", "studio_admin", "users"]
    assert list(found["studio_admin"]) == ["id", "email", "access_token"]
    assert [list(user) for user in found["users"]] == [
        ["id", "email", "gender", "access_token"]
    ] * 3
    clock = AnchoredClock(step_ms_max=1_000, slew_ppm=500, ahead_ms_max=600_000)
    mint = TokenMint(KEY, clock)
    for user in found["users"]:
        principal = mint.read_access(user["access_token"])
        assert (principal.user_id, principal.role) == (user["id"], "customer")
        assert principal.verified
        assert 590_000 < principal.expires_at_ms - clock.now_ms() <= 600_000
    admin = mint.read_access(found["studio_admin"]["access_token"])
    assert (admin.role, admin.studio_id) == ("studio_admin", found["studio_id"])
    signed_in = await office.sessions.login(found["users"][0]["email"], SEED_PASSWORD, "127.0.0.1")
    assert signed_in.account.id == found["users"][0]["id"]


async def test_a_second_run_adds_to_the_file(office: Office, tmp_path: Path) -> None:
    out = tmp_path / "seed.json"
    await seed(office, 2, out, 600)
    first = orjson.loads(out.read_bytes())
    await seed(office, 3, out, 600)
    second = orjson.loads(out.read_bytes())
    assert second["users"][:2] == first["users"]
    assert len({user["id"] for user in second["users"]}) == 5
    assert second["studio_admin"] == first["studio_admin"]
    assert os.listdir(tmp_path) == ["seed.json"]


@pytest.mark.parametrize("text", ["", "null", "{}", "no JSON", '{"users": 1}'])
async def test_somebody_elses_file_is_left_alone(
    office: Office, tmp_path: Path, database: str, text: str
) -> None:
    out = tmp_path / "thesis.txt"
    out.write_text(text)
    with pytest.raises(Refusal, match=r"is no file of an earlier `hothour seed`"):
        await seed(office, 1, out, 600)
    assert out.read_text() == text
    assert await accounts(database) == 0


async def test_nobody_is_made_whose_token_could_not_be_written(
    office: Office, tmp_path: Path, database: str
) -> None:
    with pytest.raises(Refusal, match=r"cannot be written: No such file or directory\.$"):
        await seed(office, 1, tmp_path / "none" / "seed.json", 600)
    with pytest.raises(Refusal, match=r"cannot be read: Is a directory\.$"):
        await seed(office, 1, tmp_path, 600)
    assert await accounts(database) == 0
