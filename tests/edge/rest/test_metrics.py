"""Metrics are for this machine, or for whoever reaches their own port."""

import aiohttp
from aiohttp import web

from edge.addresses import Addresses
from edge.metrics import Metrics
from edge.rest import metrics
from tests.edge.rig import HOST, rig


async def test_this_machine_may_read() -> None:
    counted = Metrics("1.2.3")
    counted.crashed()
    async with rig(*metrics.routes(counted.exposition, Addresses())) as server:
        got = await server.ask("GET", "/metrics")
    assert got.status == 200
    assert got.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"hothour_actor_crashes_total 1.0" in got.raw


async def test_behind_a_proxy_nobody_may_since_everybody_looks_local() -> None:
    trusted = Addresses(["127.0.0.1"])
    async with rig(*metrics.routes(Metrics("1").exposition, trusted)) as server:
        assert (await server.ask("GET", "/metrics")).status == 404


async def test_a_guest_may_not() -> None:
    """The rig trusts its peer's word here, so the address is a guest's; the route trusts nobody."""
    routes = metrics.routes(Metrics("1").exposition, Addresses())
    async with rig(*routes, proxies=["127.0.0.1"]) as server:
        headers = {"X-Forwarded-For": "203.0.113.7"}
        assert (await server.ask("GET", "/metrics", headers=headers)).status == 404


async def test_on_its_own_port_whoever_reaches_it_may() -> None:
    runner = web.AppRunner(metrics.application(Metrics("1").exposition))
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        port = runner.addresses[0][1]
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{HOST}:{port}/metrics") as got,
        ):
            assert got.status == 200
            assert "hothour_build_info" in await got.text()
    finally:
        await runner.cleanup()
