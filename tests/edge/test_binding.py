"""Addresses to listen on: taken, free, and none at all."""

import socket

import aiohttp
import pytest
from aiohttp import web

from edge.binding import CannotListen, bind, opened


def test_port_zero_is_any_free_one() -> None:
    with bind("127.0.0.1", 0) as one, bind("localhost", 0) as other:
        assert one.getsockname()[1] not in (0, other.getsockname()[1])


def test_nobody_is_let_in_before_it_is_opened() -> None:
    with bind("127.0.0.1", 0) as bound, pytest.raises(ConnectionRefusedError):
        socket.create_connection(bound.getsockname(), timeout=1)


def test_a_port_that_somebody_listens_on_is_refused_with_its_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"^Cannot listen on 127\.0\.0\.1:{port}: .+\.$"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 80 + ".example", "192.0.2.1"])
def test_a_host_that_is_not_ours_is_one_sentence(host: str) -> None:
    with pytest.raises(CannotListen, match=r"^Cannot listen on [^\n]+\.$"):
        bind(host, 0)


async def test_of_two_that_bound_the_same_port_one_is_opened() -> None:
    app = web.Application()
    runner = web.AppRunner(app)
    await runner.setup()
    first = bind("127.0.0.1", 0)
    second = bind("127.0.0.1", first.getsockname()[1])
    try:
        await opened(runner, first)
        with pytest.raises(CannotListen, match=r"^Cannot listen on 127\.0\.0\.1:\d+: .+\.$"):
            await opened(runner, second)
        url = f"http://127.0.0.1:{first.getsockname()[1]}/"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            assert answer.status == 404
    finally:
        await runner.cleanup()
        second.close()
