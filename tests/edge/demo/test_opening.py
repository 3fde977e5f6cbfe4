"""What is said once."""

from pathlib import Path

import pytest

from edge.demo import opening
from edge.demo.people import GUESTS, HOUSES, PASSWORD, PLATFORM

URL = "http://127.0.0.1:8080"


def said(host: str = "127.0.0.1") -> list[str]:
    return list(opening.greeting(URL, host, Path("shop"), Path("shop/demo.log")))


def test_the_address_and_the_api_pages_are_named() -> None:
    assert said()[:2] == [f"HotHour demo: {URL}", f"API pages:    {URL}/docs"]


def test_everybody_is_named_with_role_address_and_password() -> None:
    lines = said()
    houses = [login for house in HOUSES for login in (house.admin, house.desk)]
    for login in (PLATFORM, *houses, *GUESTS):
        (line,) = (line for line in lines if login.email in line.split())
        assert line.split()[:3] == [login.role, login.email, PASSWORD]


def test_nothing_is_wider_than_a_small_terminal_but_paths() -> None:
    assert all(len(line) <= 80 for line in said() if "shop" not in line)
    assert len(opening.HINT) <= 78


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_this_machine_alone_there_is_nothing_to_be_careful_about(host: str) -> None:
    assert not [line for line in said(host) if line.startswith("Careful")]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "shop.example"])
def test_whoever_opens_it_to_others_is_told_what_that_means(host: str) -> None:
    (line,) = (line for line in said(host) if line.startswith("Careful"))
    assert host in line


def test_the_last_line_counts_and_says_what_is_kept() -> None:
    assert opening.goodbye(3, Path("shop")) == "Stopped after 3 bookings. Data are kept in shop."
