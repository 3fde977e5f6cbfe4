"""Bodies and queries: bounded in size and time, and refused by name."""

import asyncio
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import orjson
import pytest
from pydantic import BaseModel, EmailStr, Field, model_validator

from edge.reading import FIELD_ERRORS_MAX, validated
from edge.routing import Access, Call, Reply, Route
from edge.wire.base import Body, Id, InstantIn, PriceIn, Query
from engine.errors import FieldError, Invalid
from engine.settings import Settings
from tests.edge.rig import Answer, Rig, rig


class Gender(StrEnum):
    FEMALE = "FEMALE"
    MALE = "MALE"


class Inner(Body):
    seats: Annotated[int, Field(ge=1, le=500)] = 1


class Everything(Body):
    auction_id: Id
    price: PriceIn = Decimal(1)
    title: Annotated[str, Field(min_length=2, max_length=5)] = "class"
    gender: Gender | None = None
    at: InstantIn = 0
    email: EmailStr | None = None
    inner: Inner = Inner()
    many: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> "Everything":
        if self.title == "wrong":
            raise ValueError("the whole is wrong")
        return self


class Filter(Query):
    q: str | None = None
    status: list[Gender] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    computed: bool = False


async def echo(call: Call) -> Reply:
    body = call.body.model_dump(mode="json") if isinstance(call.body, BaseModel) else call.body
    query = call.query.model_dump(mode="json") if call.query is not None else None
    return Reply(body={"body": body, "query": query})


def by_hand(raw: bytes) -> Any:
    value = orjson.loads(raw)
    if type(value) is not int:
        raise Invalid(None, (FieldError("", "TYPE"),))
    return value


def route(path: str, **options: Any) -> Route:
    return Route(
        method="POST",
        path=path,
        handler=echo,
        access=Access.PUBLIC,
        summary="Echo",
        tag="test",
        **options,
    )


ROUTES = (
    route("/body", body=Everything),
    route("/optional", body=Inner, body_optional=True),
    route("/hand", body=Inner, parse=by_hand),
    route("/none"),
    route("/query", query=Filter),
)
JSON = {"Content-Type": "application/json"}


async def post(server: Rig, path: str, data: bytes | None = None, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await server.ask("POST", path, data=data, headers={**JSON, **names})


def named(answer: Answer) -> list[tuple[str, str]]:
    return [(each["field"], each["code"]) for each in answer.json["errors"]]


async def test_a_sound_body_reaches_the_handler() -> None:
    async with rig(*ROUTES) as server:
        got = await post(server, "/body", b'{"auction_id": 7, "price": 149.90}')
    assert got.status == 200
    assert got.json["body"]["auction_id"] == 7
    assert got.json["body"]["price"] == "149.90"


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ("{}", "auction_id", "REQUIRED"),
        ('{"auction_id": 1, "nonsense": 2}', "nonsense", "UNKNOWN"),
        ('{"auction_id": "x"}', "auction_id", "TYPE"),
        ('{"auction_id": null}', "auction_id", "TYPE"),
        ('{"auction_id": 1.5}', "auction_id", "TYPE"),
        ('{"auction_id": 0}', "auction_id", "RANGE"),
        ('{"auction_id": 9223372036854775808}', "auction_id", "RANGE"),
        ('{"auction_id": 1e300}', "auction_id", "RANGE"),
        ('{"auction_id": 1, "price": "ten"}', "price", "FORMAT"),
        ('{"auction_id": 1, "price": true}', "price", "FORMAT"),
        ('{"auction_id": 1, "title": "a"}', "title", "LENGTH"),
        ('{"auction_id": 1, "title": "too long"}', "title", "LENGTH"),
        ('{"auction_id": 1, "gender": "OTHER"}', "gender", "CHOICE"),
        ('{"auction_id": 1, "at": "2026-03-01T18:30:00"}', "at", "FORMAT"),
        ('{"auction_id": 1, "email": "nobody"}', "email", "FORMAT"),
        ('{"auction_id": 1, "inner": {"seats": 501}}', "inner.seats", "RANGE"),
        ('{"auction_id": 1, "inner": []}', "inner", "TYPE"),
        ('{"auction_id": 1, "many": [1, "x"]}', "many.1", "TYPE"),
        ('{"auction_id": 1, "title": "wrong"}', "", "FORMAT"),
        ("[]", "", "TYPE"),
        ("null", "", "TYPE"),
        ("{", "", "MALFORMED"),
        ('{"auction_id": 1, "auction_id": 2}', "auction_id", "DUPLICATE"),
        ('{"auction_id": 1, "title": "a\\u0000b"}', "", "FORMAT"),
        ("[" * 33 + "]" * 33, "", "DEPTH"),
    ],
)
async def test_what_is_wrong_is_named(body: str, field: str, code: str) -> None:
    async with rig(*ROUTES) as server:
        got = await post(server, "/body", body.encode())
    assert (got.status, got.json["code"]) == (422, "VALIDATION")
    assert named(got) == [(field, code)]
    assert got.json["errors"][0]["message"]


async def test_all_that_is_wrong_is_named_up_to_a_bound() -> None:
    async with rig(*ROUTES) as server:
        got = await post(server, "/body", b'{"gender": 1, "title": 2}')
        assert named(got) == [("auction_id", "REQUIRED"), ("title", "TYPE"), ("gender", "CHOICE")]
        body = orjson.dumps({f"f{n}": n for n in range(500)})
        assert len(named(await post(server, "/body", body))) == FIELD_ERRORS_MAX


async def test_messages_are_in_the_askers_language_and_name_the_bound() -> None:
    async with rig(*ROUTES) as server:
        body = b'{"auction_id": 1, "inner": {"seats": 501}}'
        turkish = await post(server, "/body", body)
        english = await post(server, "/body", body, Accept_Language="en")
    assert turkish.json["errors"][0]["message"] == "Değer izin verilen aralıkta değil. (<= 500)"
    assert english.json["errors"][0]["message"] == "The value is out of range. (<= 500)"


def test_a_models_own_words_are_kept_in_english_alone() -> None:
    def message(language: Any) -> str:
        with pytest.raises(Invalid) as caught:
            validated(Everything, {"auction_id": 1, "title": "wrong"}, language)
        return caught.value.errors[0].message

    assert message("en") == "the whole is wrong"
    assert message("tr") == "Değerin biçimi yanlış."


async def test_the_input_is_never_quoted() -> None:
    secret = "correct-horse-battery"
    async with rig(*ROUTES) as server:
        body = orjson.dumps({"auction_id": secret, "email": secret, "price": secret, "at": secret})
        got = await post(server, "/body", body, Accept_Language="en")
    assert len(got.json["errors"]) == 4
    assert secret.encode() not in got.raw


async def test_a_missing_body_is_named_and_an_optional_one_may_be_missing() -> None:
    async with rig(*ROUTES) as server:
        assert named(await post(server, "/body")) == [("", "REQUIRED")]
        assert (await post(server, "/optional")).json["body"] is None
        assert (await post(server, "/optional", b"{}")).json["body"] == {"seats": 1}


async def test_a_route_may_parse_by_hand() -> None:
    async with rig(*ROUTES) as server:
        assert (await post(server, "/hand", b"7")).json["body"] == 7
        assert named(await post(server, "/hand", b'"7"')) == [("", "TYPE")]


async def test_a_body_nobody_reads_is_ignored() -> None:
    async with rig(*ROUTES) as server:
        assert (await post(server, "/none", b"whatever")).status == 200
        assert (await post(server, "/none")).status == 200, "and the connection goes on"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/merge-patch+json",
    ],
)
async def test_json_has_several_names(content_type: str) -> None:
    async with rig(*ROUTES) as server:
        got = await post(server, "/body", b'{"auction_id": 1}', Content_Type=content_type)
    assert got.status == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=iso-8859-9",
        "text/x+json",
        "application/jsonp",
        "",
    ],
)
async def test_anything_but_json_is_unsupported(content_type: str) -> None:
    async with rig(*ROUTES) as server:
        got = await post(server, "/body", b'{"auction_id": 1}', Content_Type=content_type)
    assert (got.status, got.json["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity", "zstd"])
async def test_any_content_encoding_is_unsupported(encoding: str) -> None:
    async with rig(*ROUTES) as server:
        for path in ("/body", "/none"):
            got = await post(server, path, b'{"auction_id": 1}', Content_Encoding=encoding)
            assert (got.status, got.json["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


SMALL = Settings(body_bytes_max=1_000)
IMPATIENT = Settings(body_timeout_s=0.2)


async def test_a_body_of_the_largest_size_is_read() -> None:
    async with rig(*ROUTES, settings=SMALL) as server:
        body = b'{"auction_id": 1}'
        got = await post(server, "/body", body + b" " * (1_000 - len(body)))
    assert got.status == 200


async def test_one_byte_more_is_too_large_announced_or_not() -> None:
    async def pieces() -> Any:
        for _ in range(11):
            yield b" " * 91

    async with rig(*ROUTES, settings=SMALL) as server:
        announced = await post(server, "/body", b" " * 1_001)
        streamed = await server.ask("POST", "/body", data=pieces(), headers=JSON)
    for got in (announced, streamed):
        assert (got.status, got.json["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_an_announced_size_is_refused_before_a_byte_is_sent() -> None:
    async with rig(*ROUTES, settings=SMALL) as server:
        head = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n"
        got = await server.raw(head + b"Content-Type: application/json\r\n\r\n", until=b"}")
    assert got.startswith(b"HTTP/1.1 413 ")


async def test_a_body_without_end_is_refused_while_it_still_comes() -> None:
    head = (
        b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    async with rig(*ROUTES, settings=SMALL) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head)
        await reader.readuntil(b"100 Continue\r\n\r\n")
        writer.write(b"400\r\n" + b" " * 0x400 + b"\r\n")  # and no last chunk, ever
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 413 ")
        writer.close()


async def test_a_body_in_pieces_is_put_together() -> None:
    async def pieces() -> Any:
        for piece in (b'{"auction', b'_id": ', b"1", b"}"):
            yield piece
            await asyncio.sleep(0)

    async with rig(*ROUTES) as server:
        got = await server.ask("POST", "/body", data=pieces(), headers=JSON)
    assert got.json["body"]["auction_id"] == 1


async def test_a_body_that_does_not_arrive_is_given_up() -> None:
    head = (
        b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n"
        b"Content-Type: application/json\r\n\r\n{"
    )
    async with rig(*ROUTES, settings=IMPATIENT) as server:
        got = await server.raw(head, until=b"}")
    assert got.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"REQUEST_TIMEOUT"' in got


async def test_chunks_that_are_none_are_not_of_the_form(
    caplog: pytest.LogCaptureFixture,
) -> None:
    head = (
        b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n"
    )
    async with rig(*ROUTES) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head)
        await reader.readuntil(b"100 Continue\r\n\r\n")  # it waits for the body now
        writer.write(b"5\r\nabcde\r\nzz\r\n")
        async with asyncio.timeout(10):  # the connection ends, as nobody knows what is next
            got = await reader.read()
        writer.close()
    assert got.startswith(b"HTTP/1.1 422 ")
    assert b'"code":"VALIDATION"' in got
    assert got.count(b"HTTP/1.1") == 1
    assert not server.lines
    assert not caplog.records
    assert server.metric("hothour_http_malformed_total") == 1


async def test_a_client_that_hangs_up_in_its_body_is_no_error_of_ours() -> None:
    head = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{"
    async with rig(*ROUTES) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head)
        await writer.drain()
        await asyncio.sleep(0)
        writer.close()
        await writer.wait_closed()
        assert await reader.read() == b""
        assert (await post(server, "/none")).status == 200
        assert not server.lines


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"q": None, "status": None, "limit": 50, "computed": False}),
        ("?q=%C4%B1%C5%9F%C4%B1k", {"q": "ışık", "status": None, "limit": 50, "computed": False}),
        (
            "?status=MALE&status=FEMALE&limit=7&computed=true",
            {"q": None, "status": ["MALE", "FEMALE"], "limit": 7, "computed": True},
        ),
        ("?status=MALE", {"q": None, "status": ["MALE"], "limit": 50, "computed": False}),
    ],
)
async def test_a_sound_query_reaches_the_handler(query: str, expected: object) -> None:
    async with rig(*ROUTES) as server:
        got = await post(server, f"/query{query}")
    assert got.json["query"] == expected


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [
        ("/query?nonsense=1", "nonsense", "UNKNOWN"),
        ("/query?limit=1&limit=2", "limit", "DUPLICATE"),
        ("/query?limit=0", "limit", "RANGE"),
        ("/query?limit=x", "limit", "TYPE"),
        ("/query?computed=perhaps", "computed", "TYPE"),
        ("/query?status=OTHER", "status.0", "CHOICE"),
        ("/query?q=%00", "q", "FORMAT"),
        ("/query?q=%ff", "q", "FORMAT"),
        ("/none?anything=1", "anything", "UNKNOWN"),
        ("/none?=", "", "UNKNOWN"),
    ],
)
async def test_what_is_wrong_in_a_query_is_named(path: str, field: str, code: str) -> None:
    async with rig(*ROUTES) as server:
        got = await server.raw(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
    assert got.startswith(b"HTTP/1.1 422 ")
    (wrong,) = orjson.loads(got.partition(b"\r\n\r\n")[2])["errors"]
    assert (wrong["field"], wrong["code"]) == (field, code)
