"""Messages one after the other: refs, errors, rates, and what ends a connection."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.live_connection import MESSAGES_A_TURN
from edge.texts import text_of
from tests.edge.live_clients import Client, client_frame
from tests.edge.live_shop import auction_of, guest
from tests.edge.live_world import World, world

KEY = "a-key-of-16-chars"


@pytest.fixture
async def here() -> AsyncIterator[World]:
    async with world() as running:
        yield running


@pytest.fixture
async def client(here: World) -> AsyncIterator[Client]:
    async with here.client() as connected:
        yield connected


# --- answers and errors --------------------------------------------------------------------------


@pytest.mark.parametrize("ref", [0, 17, "r" * 64, "ş"])
async def test_a_ref_comes_back_with_answers_and_with_errors(client: Client, ref: Any) -> None:
    assert (await client.ask("subscribe_lobby", ref=ref))["ref"] == ref
    assert (await client.ask("shout", ref=ref))["ref"] == ref


async def test_without_a_ref_there_is_null(client: Client) -> None:
    await client.send({"type": "subscribe_lobby"})
    assert (await client.next("ok"))["ref"] is None
    await client.send("nonsense")
    assert (await client.next("error"))["ref"] is None


async def test_an_error_says_what_it_is_in_the_guests_language(here: World) -> None:
    async with here.client(additional_headers={"Accept-Language": "en"}) as english:
        told = await english.ask("book", auction_id=7, idempotency_key=KEY)
    assert told == {
        "type": "error",
        "ref": 1,
        "code": "AUTH_REQUIRED",
        "message": text_of("AUTH_REQUIRED", "en").sentence,
        "retryable": False,
        "retry_after_ms": None,
    }
    async with here.client() as turkish:
        told = await turkish.ask("book", auction_id=7, idempotency_key=KEY)
    assert told["message"] == text_of("AUTH_REQUIRED", "tr").sentence


async def test_what_breaks_on_our_side_is_said_and_the_connection_goes_on(
    here: World, client: Client
) -> None:
    here.shop.open(auction_of(7))
    await here.signed_in(client)
    here.shop.failure = RuntimeError("a secret of ours")
    answer = await client.ask("book", auction_id=7, idempotency_key=KEY)
    assert (answer["code"], answer["retryable"]) == ("INTERNAL", True)
    assert "secret" not in orjson.dumps(answer).decode()
    here.shop.failure = None
    assert (await client.ask("book", auction_id=7, idempotency_key=KEY))["type"] == "ok"


async def test_broken_messages_are_answered_and_the_connection_goes_on(client: Client) -> None:
    for raw in ("", "{", "[]", '{"type":"shout"}', '{"type":"ping"}', '{"type":"ping","x":1}'):
        await client.send(raw)
        assert (await client.next("error"))["code"] == "VALIDATION"
    assert (await client.ask("ping", client_ms=1))["type"] == "pong"


async def test_ten_broken_ones_in_a_row_end_it_and_a_good_one_between_them_does_not(
    client: Client,
) -> None:
    for _ in range(3):
        for _ in range(9):
            await client.send("nonsense")
        assert (await client.ask("ping", client_ms=1))["type"] == "pong"
    client.inbox.clear()
    for _ in range(10):
        await client.send("nonsense")
    assert await client.closed() == 4000
    assert [m["code"] for m in client.inbox] == ["VALIDATION"] * 10


async def test_a_refusal_is_no_broken_message(here: World) -> None:
    async with world(counts_clients=False) as free, free.client() as client:
        for _ in range(30):
            answer = await client.ask("book", auction_id=7, idempotency_key=KEY)
            assert answer["code"] == "AUTH_REQUIRED"


# --- what ends a connection ----------------------------------------------------------------------


async def test_a_binary_frame_ends_it(client: Client) -> None:
    await client.ws.send(b'{"type":"ping","client_ms":1}')
    assert await client.closed() == 4000


async def test_what_is_no_utf8_ends_it(client: Client) -> None:
    await client.ws.send(b'{"type":"\xff"}', text=True)
    assert await client.closed() == 1007


async def test_a_frame_of_4_kib_is_read_and_a_larger_one_ends_it(client: Client) -> None:
    ping = '{"type":"ping","client_ms":1}'
    await client.send(ping + " " * (4_096 - len(ping)))
    assert (await client.next("pong"))["client_ms"] == 1
    await client.send(ping + " " * (4_097 - len(ping)))
    assert await client.closed() == 1009


async def test_a_message_in_fragments_is_one_message_and_counts_as_a_whole(
    client: Client,
) -> None:
    await client.ws.send(['{"type":"pi', 'ng","client_ms":', "5}"])
    assert (await client.next("pong"))["client_ms"] == 5
    await client.ws.send([" " * 1_500] * 3)
    assert await client.closed() == 1009


async def test_after_its_goodbye_a_client_is_not_listened_to(here: World) -> None:
    async with here.client() as client:
        here.shop.open(auction_of(7))
        await here.signed_in(client)
        late = client_frame(b'{"type":"subscribe_lobby"}')
        client.ws.transport.write(client_frame(b"\x03\xe8", 0x88) + late)
        assert await client.closed() == 1000
        assert not here.hub.lobby.topic.marks


async def test_after_our_goodbye_a_client_is_not_listened_to(here: World) -> None:
    binary, lobby = client_frame(b"x", 0x82), client_frame(b'{"type":"subscribe_lobby"}')
    async with here.stuck(binary + lobby):
        await here.until(lambda: here.meters.closes == [4000])
        await here.settle()
        assert here.meters.kinds == []


async def test_a_ping_of_the_protocol_is_answered_with_its_own_words(client: Client) -> None:
    waiter = await client.ws.ping(b"are you there")
    async with asyncio.timeout(5):
        await waiter


# --- rates ---------------------------------------------------------------------------------------


async def test_a_burst_is_answered_and_what_is_too_fast_is_refused_with_its_ref(
    here: World, client: Client
) -> None:
    for nth in range(45):
        await client.send({"type": "ping", "ref": nth, "client_ms": 1})
    answers = [await client.answer(nth) for nth in range(45)]
    assert [m["type"] for m in answers] == ["pong"] * 40 + ["error"] * 5
    refusal = answers[40]
    assert (refusal["code"], refusal["retryable"]) == ("RATE_LIMITED", True)
    assert 50 <= refusal["retry_after_ms"] <= 51
    here.clock.now += 200
    assert (await client.ask("ping", client_ms=1))["type"] == "pong"


async def test_who_goes_on_regardless_is_closed(client: Client) -> None:
    for _ in range(82):
        await client.send({"type": "ping", "client_ms": 1})
    assert await client.closed() == 4101


@pytest.mark.parametrize("first_byte", [0x89, 0x8A], ids=["pings", "pongs"])
async def test_pings_and_pongs_of_the_protocol_are_counted_too(
    here: World, first_byte: int
) -> None:
    flood = client_frame(b"x", first_byte) * 100
    async with here.stuck(flood):
        await here.until(lambda: here.meters.closes == [4101])


async def test_presses_and_tokens_have_rates_of_their_own(here: World, client: Client) -> None:
    here.shop.open(auction_of(7, seats=50))
    await here.signed_in(client)
    presses = [await client.ask("book", auction_id=7, idempotency_key=KEY) for _ in range(7)]
    assert [m.get("code", "ok") for m in presses] == ["ok"] * 5 + ["RATE_LIMITED"] * 2
    assert presses[-1]["retry_after_ms"] <= 201
    tokens = [await client.ask("authenticate", token="bad") for _ in range(5)]
    assert [m["code"] for m in tokens] == ["AUTH_INVALID"] * 4 + ["RATE_LIMITED"]
    assert len(here.shop.seen) == 5


async def test_where_nobody_is_counted_there_is_no_rate() -> None:
    async with world(counts_clients=False) as here, here.client() as client:
        here.shop.open(auction_of(7))
        await here.signed_in(client)
        for _ in range(50):
            answer = await client.ask("book", auction_id=7, idempotency_key=KEY)
            assert answer["type"] == "ok"


async def test_presses_that_wait_are_bounded_even_there() -> None:
    async with world(counts_clients=False) as here, here.client() as client:
        here.shop.open(auction_of(7))
        await here.signed_in(client)
        here.shop.ask_gate = asyncio.Event()
        for nth in range(45):
            press = {"type": "book", "ref": nth, "auction_id": 7, "idempotency_key": KEY}
            await client.send(press)
        refused = [await client.answer(nth) for nth in range(40, 45)]
        assert {m["code"] for m in refused} == {"BUSY"}
        assert len(here.shop.seen) == 40
        here.shop.ask_gate.set()
        for nth in range(40):
            await client.answer(nth)
        assert (await client.ask("book", auction_id=7, idempotency_key=KEY))["type"] == "ok"


async def test_a_flood_of_one_socket_lets_others_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns, heard = 0, list[int]()

    async def turning() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with world(counts_clients=False) as here:
        monkeypatch.setattr(here.meters, "heard", lambda _: heard.append(turns))
        others = asyncio.create_task(turning())
        frame = client_frame(b'{"type":"unsubscribe_lobby"}')
        async with here.stuck(frame * 500):
            await here.until(lambda: len(heard) == 500)
        others.cancel()
    assert max(Counter(heard).values()) <= 2 * MESSAGES_A_TURN


async def test_when_the_server_stops_no_press_is_left_waiting() -> None:
    async with world() as here, here.client() as client:
        here.shop.open(auction_of(7))
        await here.signed_in(client)
        here.shop.ask_gate = asyncio.Event()
        await client.send({"type": "book", "auction_id": 7, "idempotency_key": KEY})
        await here.until(lambda: bool(here.shop.seen))
        await here.channel.stop()
        assert not here.channel._conversation._presses


# --- anything at all -----------------------------------------------------------------------------

RAW = st.text(max_size=200) | st.sampled_from(
    [
        '{"type":"subscribe_auction","auction_id":7,"since":{"7":[1,0]}}',
        '{"type":"subscribe_auction","auction_ids":[7,8,9],"mode":"schedule"}',
        '{"type":"unsubscribe_auction","auction_id":7}',
        '{"type":"subscribe_user","since":0}',
        '{"type":"book","auction_id":7,"idempotency_key":"a-key-of-16-chars"}',
        '{"type":"authenticate","token":"good"}',
        '{"type":"subscribe_lobby"}',
        '{"type":"unsubscribe_lobby"}',
        '{"type":"ping","client_ms":null}',
        "\x00",
        "{" * 1_000,
    ]
)


async def test_nothing_a_client_can_say_breaks_its_connection_or_its_neighbours() -> None:
    async with world(counts_clients=False, live_bad_messages_max=1_000_000) as here:
        here.shop.open(auction_of(7, seats=500))
        here.tokens["good"] = guest(501)
        loop = asyncio.get_running_loop()
        examples: list[list[str]] = []

        @settings(
            max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), database=None
        )
        @given(st.lists(RAW, min_size=1, max_size=6))
        def collect(raws: list[str]) -> None:
            examples.append(raws)

        await loop.run_in_executor(None, collect)
        async with here.client() as client, here.client() as neighbour:
            await neighbour.ask("subscribe_auction", auction_id=7)
            for raws in examples:
                for raw in raws:
                    await client.send(raw)
                assert (await client.ask("ping", client_ms=1))["type"] == "pong"
                client.inbox.clear()
            here.shop.change(7)
            last = here.shop[7].revision
            told = await neighbour.until(lambda m: m.get("revision") == last)
            assert told["auction_id"] == 7
    assert len(examples) >= 300
    assert here.meters.closes == []


@pytest.mark.parametrize(
    "raw",
    [
        b"\x81\xfe\x00\x05" + bytes(4) + b"{}",  # a length that never comes
        b"\xf1\x80" + bytes(4),  # reserved bits
        b"\x83\x80" + bytes(4),  # an unknown kind
        b"\x09\x80" + bytes(4),  # a ping in fragments
        b"\x80\x80" + bytes(4),  # a continuation of nothing
        b"\x88\x81" + bytes(4) + b"x",  # half a close code
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_frame_ends_at_most_its_own_connection(raw: bytes) -> None:
    async with world() as here, here.client() as neighbour:
        async with here.stuck(raw):
            await asyncio.sleep(0.01)
            assert (await neighbour.ask("ping", client_ms=1))["type"] == "pong"
        await here.until(lambda: here.channel.open_sockets == 1)
