"""What is logged, in which form, and what never is."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from edge.logs import HIDDEN, configure

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJlLXRoaXMtaXM"
BCRYPT = "$2b$12$" + "abcdefghij" * 5 + "xyz"
SECRETS = (
    JWT,
    f"Bearer {JWT}",
    "HOT-7K4M",
    "ada.lovelace@example.com",
    "+905321234567",
    BCRYPT,
)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging is the process's: put back what tests change."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_lines_are_json_with_instant_level_and_fields() -> None:
    stream = io.StringIO()
    configure("json", stream).info("ready", port=8080, request_id="request-1")
    (line,) = logged(stream)
    assert line["event"] == "ready"
    assert line["level"] == "info"
    assert line["logger"] == "hothour"
    assert (line["port"], line["request_id"]) == (8080, "request-1")
    assert line["at"].endswith("Z")


def test_a_request_id_that_was_bound_is_on_every_line() -> None:
    stream = io.StringIO()
    log = configure("json", stream).bind(request_id="request-1")
    log.info("one")
    log.warning("two")
    assert [line["request_id"] for line in logged(stream)] == ["request-1"] * 2


def test_libraries_lines_look_the_same() -> None:
    stream = io.StringIO()
    configure("json", stream)
    logging.getLogger("aiohttp.server").warning("slow %s", "client", extra={"port": 1})
    (line,) = logged(stream)
    assert (line["event"], line["level"], line["logger"]) == (
        "slow client",
        "warning",
        "aiohttp.server",
    )
    assert line["port"] == 1


def test_what_is_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    log = configure("json", stream, "warning")
    log.info("quiet")
    logging.getLogger("asyncio").info("quiet")
    log.warning("loud")
    assert [line["event"] for line in logged(stream)] == ["loud"]


def test_for_eyes_there_is_one_line_with_the_same_words() -> None:
    stream = io.StringIO()
    configure("console", stream).info("ready", port=8080)
    (line,) = stream.getvalue().splitlines()
    assert "ready" in line
    assert "port=8080" in line
    assert "\x1b" not in line, "no colours where nobody sees them"


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_hidden_wherever_they_stand(form: Any, secret: str) -> None:
    stream = io.StringIO()
    log = configure(form, stream)
    log.info(f"said {secret} aloud")
    log.info("field", what=f"a {secret} b", many=[secret, {"deep": (secret,)}])
    log.info("object", what=ValueError(f"about {secret}"))
    logging.getLogger("asyncpg").warning("library said %s", secret)
    try:
        raise ValueError(f"Key (email)=({secret}) already exists")
    except ValueError:
        log.exception("broke")
        logging.getLogger("asyncpg").exception("broke too")
    text = stream.getvalue()
    assert secret not in text
    assert text.count(HIDDEN) >= 8
    assert "Traceback" in text


@pytest.mark.parametrize(
    "name", ["password", "new_password", "token", "access_token", "email", "booking_code", "phone"]
)
def test_fields_with_telling_names_are_hidden_whole(name: str) -> None:
    stream = io.StringIO()
    configure("json", stream).info("field", **{name: "x", "deep": {name: "y"}})
    (line,) = logged(stream)
    assert line[name] == HIDDEN
    assert line["deep"] == {name: HIDDEN}


@pytest.mark.parametrize(
    "text",
    ["HOTHOUR", "code 409", "2026-03-01T18:30:00.000Z", "http://127.0.0.1:8080", "a@b", "+12"],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    stream = io.StringIO()
    configure("json", stream).info(text)
    assert logged(stream)[0]["event"] == text


def test_a_password_in_an_address_is_hidden() -> None:
    stream = io.StringIO()
    configure("json", stream).info("db", where="postgresql://hothour:hunter2@db.example:5432/x")
    assert "hunter2" not in stream.getvalue()
