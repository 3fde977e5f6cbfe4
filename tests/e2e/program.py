"""The `hothour` command as a real process, and clients for it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson

COMMAND = (sys.executable, "-m", "edge")
START_S = 40.0
STOP_S = 40.0
QUIET = {
    "HOTHOUR_RATE_LIMITS": "off",
    "HOTHOUR_EMAIL_VERIFICATION": "off",
    "HOTHOUR_BCRYPT_COST": "4",
    "HOTHOUR_ALLOW_UNSAFE_DATABASE": "on",
    # However slow the machine: who is counted has waited for the answer.
    "HOTHOUR_UNSENT_TIMEOUT_MS": "10000",
}


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """This process' environment without settings, and those that are given."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("HOTHOUR_")}
    return {**plain, **given}


async def run(*arguments: str, cwd: Path, **settings: str) -> tuple[int, str, str]:
    """One command to its end: exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        cwd=cwd,
        env=environment(settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(START_S):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@dataclass(slots=True)
class Program:
    """A running `hothour serve`."""

    process: asyncio.subprocess.Process
    url: str
    stderr_path: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end and wait; its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(STOP_S):
            return await self.process.wait()

    @property
    def log(self) -> str:
        """All it has said on stderr."""
        return self.stderr_path.read_text(errors="replace")


@asynccontextmanager
async def serving(folder: Path, **settings: str) -> AsyncIterator[Program]:
    """A server that is ready, in a data directory below `folder`; ended at the end."""
    program = await start(folder, **settings)
    try:
        yield program
    finally:
        if program.process.returncode is None:
            with suppress(TimeoutError):
                await program.stop()
            if program.process.returncode is None:
                program.process.kill()
                await program.process.wait()


async def start(folder: Path, descriptors: int | None = None, /, **settings: str) -> Program:
    """Start a server and wait for its `ready` line; the caller stops it.

    `descriptors`: as many files and sockets as it may have open at once.
    """
    ulimit = ("sh", "-c", f'ulimit -n {descriptors} && exec "$@"', "-")
    limit = () if descriptors is None else ulimit
    stderr_path = folder / "stderr.log"
    given = {"HOTHOUR_DATA_DIR": str(folder / "data"), **QUIET, **settings}
    with stderr_path.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(*limit, *COMMAND),
            "serve",
            "--port",
            "0",
            cwd=folder,
            env=environment(given),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            line = (await process.stdout.readline()).decode()
    except TimeoutError:
        process.kill()
        line = ""
    assert line.startswith("ready http://"), stderr_path.read_text()[-4_000:]
    return Program(process, line.split()[1], stderr_path)


@dataclass(slots=True)
class Guest:
    """Somebody with an access token."""

    id: int
    token: str
    email: str = ""


@dataclass(slots=True)
class Cast:
    """Who a load test needs: `hothour seed` made them."""

    studio_id: int
    admin: Guest
    guests: list[Guest] = field(default_factory=list)


async def seed(folder: Path, users: int, **settings: str) -> Cast:
    """Guests and a studio, beside a server that may be running."""
    out = folder / "seed.json"
    given = {"HOTHOUR_DATA_DIR": str(folder / "data"), **QUIET, **settings}
    code, _, err = await run("seed", "--users", str(users), "--out", str(out), cwd=folder, **given)
    assert code == 0, err
    found = orjson.loads(out.read_bytes())
    admin = found["studio_admin"]
    return Cast(
        found["studio_id"],
        Guest(admin["id"], admin["access_token"], admin["email"]),
        [Guest(u["id"], u["access_token"], u["email"]) for u in found["users"]],
    )


class Api:
    """A plain client of the REST side."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def call(
        self,
        method: str,
        path: str,
        *,
        by: Guest | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> tuple[int, Any]:
        """Status and body (None when it is no JSON)."""
        sent = dict(headers or {})
        if by is not None:
            sent["Authorization"] = f"Bearer {by.token}"
        if key is not None:
            sent["Idempotency-Key"] = key
        url = path if path.startswith("http") else f"{self.url}/api/v1{path}"
        async with self.session.request(method, url, headers=sent, **request) as answer:
            raw = await answer.read()
            with suppress(orjson.JSONDecodeError):
                return answer.status, orjson.loads(raw)
            return answer.status, None

    async def sale(self, by: Guest, **fields: Any) -> dict[str, Any]:
        """A published auction that is live at once unless `fields` say otherwise."""
        body = {
            "title": "Yoga",
            "start_price": "200.00",
            "floor_price": "50.00",
            "drop_amount": "5.00",
            "drop_interval_secs": 30,
            "start_time": instant(-60),
            "end_time": instant(3_600),
            "scheduled_at": instant(6 * 3_600),
            **fields,
        }
        status, auction = await self.call("POST", "/auctions/", by=by, json=body)
        assert status == 201, auction
        assert isinstance(auction, dict)
        return auction

    async def book(self, by: Guest, auction_id: int, **more: Any) -> tuple[int, Any]:
        """A press over REST."""
        body = {"auction_id": auction_id, **more.pop("body", {})}
        return await self.call("POST", "/reservations/book", by=by, json=body, **more)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Api]:
    """An Api with as many connections as it needs."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Api(session, url)


def instant(in_s: float) -> str:
    """An instant so many seconds from now, as the API takes it."""
    at = datetime.now(UTC) + timedelta(seconds=in_s)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@asynccontextmanager
async def live(url: str, by: Guest | None = None) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A socket on the live channel, past its hello; `by` has authenticated from the start."""
    headers = {} if by is None else {"Authorization": f"Bearer {by.token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/ws", headers=headers) as ws,
    ):
        hello = await ws.receive_json()
        assert hello["type"] == "hello"
        yield ws


async def ask(ws: aiohttp.ClientWebSocketResponse, **message: Any) -> dict[str, Any]:
    """Send, and wait for the answer with the same ref; other frames are passed over."""
    await ws.send_json(message)
    async with asyncio.timeout(15):
        while True:
            frame: dict[str, Any] = await ws.receive_json()
            if frame.get("ref") == message["ref"]:
                return frame
