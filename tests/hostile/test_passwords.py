"""Passwords that hashes stumble over: 72 bytes, zero bytes, megabytes, accents typed two ways."""

import unicodedata
import uuid

import pytest

from tests.e2e.program import Guest
from tests.hostile.stand import Stand

SEEDED = "hot-hour-seed"
ACCENTS = "şifre çok gÜzel"
TAKEN = {
    "72 bytes": "a" * 72,
    "73 bytes": "a" * 73,
    "128 letters": "b" * 128,
    "128 letters of four bytes": "\U0001f600" * 128,
    "36 letters of two bytes": "ş" * 36,
    "only spaces": " " * 8,
    "accents": ACCENTS,
    "a line break": "line\nbreak\r\n",
    "a byte-order mark": "\ufeffpassword",
    "a dollar": "$2b$04$" + "a" * 53,
}
ALIKE_BUT_OTHER = {
    "72 bytes": "a" * 73,
    "73 bytes": "a" * 72 + "b",
    "128 letters": "b" * 127 + "c",
    "128 letters of four bytes": "\U0001f600" * 127 + "\U0001f601",
    "36 letters of two bytes": "ş" * 36 + "x",
    "only spaces": " " * 9,
    "accents": ACCENTS.replace("ş", "s"),
    "a line break": "line\nbreak\n",
    "a byte-order mark": "password",
    "a dollar": "$2b$04$" + "a" * 52 + "b",
}
REFUSED = {
    "nothing": "",
    "7 letters": "a" * 7,
    "129 letters": "a" * 129,
    "a zero byte": "password\0and more",
    "4 letters of two code points": "s\u0327" * 4,
    "1 MB": "a" * 1_000_000,
    "a number": 12_345_678,
    "a list": ["password"],
    "null": None,
}


async def said(stand: Stand, path: str, body: object, by: Guest | None = None) -> int:
    """The status of an answer under /auth."""
    status, _ = await stand.api.call("POST", f"/auth/{path}", json=body, by=by)
    return status


async def registered(stand: Stand, password: object) -> tuple[str, int]:
    mark = uuid.uuid4()
    email = f"{mark.hex}@example.com"
    form = {
        "email": email,
        "full_name": "Ada Yılmaz",
        "phone": f"+90532{mark.int % 10_000_000:07}",
        "password": password,
    }
    return email, await said(stand, "register", form)


@pytest.mark.parametrize("kind", TAKEN)
async def test_a_password_is_taken_whole(stand: Stand, kind: str) -> None:
    password, other = TAKEN[kind], ALIKE_BUT_OTHER[kind]
    email, status = await registered(stand, password)
    assert status == 202
    assert await said(stand, "login", {"email": email, "password": other}) == 401
    assert await said(stand, "login", {"email": email, "password": password}) == 200
    decomposed = unicodedata.normalize("NFD", password)
    assert await said(stand, "login", {"email": email, "password": decomposed}) == 200
    status, body = await stand.api.call(
        "POST", "/auth/login", json={"email": email, "password": password}
    )
    guest = Guest(1, body["access_token"])
    wrong = {"current_password": other, "new_password": "another password"}
    assert await said(stand, "change-password", wrong, guest) == 400
    right = {"current_password": decomposed, "new_password": other + " and longer"[:3]}
    if len(right["new_password"]) <= 128:
        assert await said(stand, "change-password", right, guest) == 204
        assert await said(stand, "login", {"email": email, "password": password}) == 401


@pytest.mark.parametrize("kind", REFUSED)
async def test_what_is_no_password_is_refused_wherever_one_is_set(stand: Stand, kind: str) -> None:
    password = REFUSED[kind]
    before = await stand.rows()
    expected = 413 if kind == "1 MB" else 422
    _, status = await registered(stand, password)
    assert status == expected
    change = {"current_password": SEEDED, "new_password": password}
    assert await said(stand, "change-password", change, stand.guest) == expected
    reset = {"token": stand.guest.token, "new_password": password}
    assert await said(stand, "reset-password", reset) == expected
    assert await stand.rows() == before
    log_in = {"email": stand.guest.email, "password": SEEDED}
    assert await said(stand, "login", log_in) == 200, "it is the one it was"


@pytest.mark.parametrize("kind", REFUSED)
async def test_what_is_no_password_opens_nothing(stand: Stand, kind: str) -> None:
    password = REFUSED[kind]
    known, _ = await registered(stand, SEEDED)
    before = await stand.rows()
    shapeless = not isinstance(password, str) or "\0" in password
    expected = 413 if kind == "1 MB" else 422 if shapeless else 401
    for email in (known, f"nobody.{known}"):
        log_in = {"email": email, "password": password}
        assert await said(stand, "login", log_in) == expected
    assert await stand.rows() == before
