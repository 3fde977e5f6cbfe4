"""The empty handler and the bare echo: they start, answer and stop."""

from loadtests.bench.beside import bare_aiohttp
from loadtests.bench.http_load import connections, hang_up, press
from loadtests.bench.live_load import watchers
from loadtests.bench.product import Guest


async def test_it_answers_a_press_with_nothing_and_a_message_with_itself() -> None:
    async with bare_aiohttp() as server:
        opened = await connections(server, 1)
        answer = await opened[0].ask(press(server, Guest(1, "token"), 1, "k" * 16))
        assert (answer.status, answer.body) == (200, b"")
        hang_up(opened)
        (socket,) = await watchers(server, 1)
        assert await socket.ask(type="book") == {"ref": 0, "type": "book"}
        socket.close()
