"""The growing pause after failed log-ins."""

from dataclasses import replace

import pytest

from engine.catalog.login_delays import FORGIVEN_AFTER_MS, LoginDelays, network_of
from engine.errors import RateLimited
from engine.settings import Settings
from tests.accounts import TurnedClock

ADA, HERE = "ada@example.com", "192.0.2.7"
SETTINGS = Settings()


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def delays(clock: TurnedClock) -> LoginDelays:
    return LoginDelays(clock, SETTINGS)


def wait_ms(delays: LoginDelays, email: str = ADA, address: str = HERE) -> int:
    """How long is asked for; 0: the attempt counts, as a failure."""
    try:
        delays.admit(email, address)
    except RateLimited as limited:
        return limited.retry_after_ms
    return 0


def test_it_grows_from_a_second_to_its_bound_and_stays_there(
    delays: LoginDelays, clock: TurnedClock
) -> None:
    asked = []
    for _ in range(40):
        while waiting := wait_ms(delays):
            asked.append(waiting // 1_000)
            clock.forward(ms=waiting)
    assert asked == [1, 2, 4, 8, 16] + [30] * 32


def test_the_pause_is_over_at_its_instant_and_not_before(
    delays: LoginDelays, clock: TurnedClock
) -> None:
    for _ in range(3):
        assert wait_ms(delays) == 0
    assert wait_ms(delays) == 1_000
    clock.forward(ms=999)
    assert wait_ms(delays) == 1
    clock.forward(ms=1)
    assert wait_ms(delays) == 0


def test_asking_while_it_lasts_does_not_make_it_longer(delays: LoginDelays) -> None:
    for _ in range(3):
        wait_ms(delays)
    assert [wait_ms(delays) for _ in range(100)] == [1_000] * 100


def test_it_concerns_one_account_from_one_network(delays: LoginDelays) -> None:
    for _ in range(3):
        wait_ms(delays)
    assert wait_ms(delays, address="192.0.2.250") == 1_000
    assert wait_ms(delays, address="192.0.3.7") == 0
    assert wait_ms(delays, email="can@example.com") == 0


def test_the_right_password_makes_the_next_mistake_a_first_one(delays: LoginDelays) -> None:
    for _ in range(10):
        assert wait_ms(delays) == 0
        delays.succeeded(ADA, HERE)


def test_an_attempt_that_was_not_judged_does_not_count(delays: LoginDelays) -> None:
    for _ in range(10):
        assert wait_ms(delays) == 0
        delays.withdraw(ADA, HERE)
    delays.withdraw("nobody@example.com", HERE)


def test_it_is_forgiven_after_a_while(delays: LoginDelays, clock: TurnedClock) -> None:
    for _ in range(3):
        wait_ms(delays)
    clock.forward(ms=FORGIVEN_AFTER_MS)
    assert [wait_ms(delays) for _ in range(4)] == [0, 0, 0, 1_000]


def test_past_the_bound_the_oldest_are_forgotten(clock: TurnedClock) -> None:
    delays = LoginDelays(clock, replace(SETTINGS, login_delays_max=2))
    for email in ("a@example.com", "b@example.com"):
        for _ in range(3):
            wait_ms(delays, email)
    wait_ms(delays, "c@example.com")
    assert wait_ms(delays, "b@example.com") == 1_000
    assert wait_ms(delays, "a@example.com") == 0


def test_switched_off_nobody_waits(clock: TurnedClock) -> None:
    delays = LoginDelays(clock, SETTINGS, enabled=False)
    assert {wait_ms(delays) for _ in range(50)} == {0}
    delays.succeeded(ADA, HERE)
    delays.withdraw(ADA, HERE)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2ff:3::4", "2001:db8:1:200::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network
