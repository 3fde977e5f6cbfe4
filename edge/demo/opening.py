"""What the demo says once: before the show where it is and who may log in, then what is kept."""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from edge.demo.people import GUESTS, HOUSES, PASSWORD, PLATFORM, Login

HINT: Final = f"{GUESTS[0].email}, {HOUSES[0].admin.email}: {PASSWORD} | /docs | Ctrl-C stops"
"""What stays in sight while the board hides the rest."""
_LOG_IN_AT: Final = "POST /api/v1/auth/login"


def greeting(url: str, host: str, kept_in: Path, log: Path) -> Iterator[str]:
    """Lines. `host`: what the server listens on."""
    yield f"HotHour demo: {url}"
    yield f"API pages:    {url}/docs"
    yield ""
    yield f"Log in ({_LOG_IN_AT}) as any of these:"
    yield _row("role", "e-mail", "password", "who")
    yield _login(PLATFORM, "all studios")
    for house in HOUSES:
        yield _login(house.admin, house.name)
        yield _login(house.desk, house.name)
    for guest in GUESTS:
        yield _login(guest, guest.name)
    yield ""
    yield f"Data are kept in {kept_in} (rows grow slowly; remove it to start afresh)."
    yield f"The server's log: {log}"
    if not _is_loopback(host):
        yield f"Careful: it listens on {host}, and whoever can reach it may log in as above."
    yield ""


def goodbye(bookings: int, kept_in: Path) -> str:
    """The last line."""
    return f"Stopped after {bookings} bookings. Data are kept in {kept_in}."


def _login(login: Login, who: str) -> str:
    return _row(login.role, login.email, PASSWORD, who)


def _row(role: str, email: str, password: str, who: str) -> str:
    return f"  {role:<15} {email:<30} {password:<13} {who}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
