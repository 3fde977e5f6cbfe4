"""Where the tests of a module are looked for, and when a module is said to have none."""

import pytest

from tests.tidy.mirror_rules import no_mirror, only_declares
from tests.tidy.tree import TextFile


def module(path: str, text: str = "def f(): return 1\n") -> TextFile:
    return TextFile(path, text)


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("engine/actor.py", "tests/engine/test_actor.py"),
        ("engine/actor.py", "tests/engine/test_actor_turns.py"),
        ("engine/catalog/studios.py", "tests/engine/catalog/test_studios.py"),
        ("engine/domain/money.py", "tests/domain/test_money.py"),
        ("engine/simulation/loop.py", "tests/simulation/test_loop.py"),
        ("engine/store/postgres/commit.py", "tests/contracts/test_commit.py"),
        ("engine/store/postgres/commit.py", "tests/store/postgres/test_commit.py"),
        ("engine/bus/local.py", "tests/contracts/test_local.py"),
        ("edge/hub.py", "tests/edge/test_hub.py"),
        ("edge/rest/auctions.py", "tests/edge/rest/test_auctions.py"),
        ("edge/_socket.py", "tests/edge/test_socket.py"),
    ],
)
def test_a_mirror_is_found(path: str, test: str) -> None:
    assert not list(no_mirror([module(path)], [test], {}))
    assert list(no_mirror([module(path)], [], {}))


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("engine/actor.py", "tests/engine/test_factor.py"),
        ("engine/actor.py", "tests/engine/test_actors.py"),
        ("engine/actor.py", "tests/edge/test_actor.py"),
        ("engine/domain/money.py", "tests/engine/domain/test_money.py"),
        ("edge/rest/auctions.py", "tests/edge/test_auctions.py"),
        ("engine/store/postgres/commit.py", "tests/engine/test_commit.py"),
    ],
)
def test_a_test_of_another_name_or_place_is_no_mirror(path: str, test: str) -> None:
    assert list(no_mirror([module(path)], [test], {}))


def test_the_complaint_names_the_file_to_write() -> None:
    assert list(no_mirror([module("edge/rest/auctions.py")], [], {})) == [
        "edge/rest/auctions.py: no tests/edge/rest/test_auctions.py"
    ]


def test_the_opening_page_of_a_package_needs_no_mirror() -> None:
    assert not list(no_mirror([module("engine/__init__.py"), module("edge/__main__.py")], [], {}))


DECLARES = """
'A port.'

from typing import Protocol

NAMES = ("a", "b")


class Clock(Protocol):
    'Time.'

    def now_ms(self) -> int:
        'Milliseconds.'

    async def sleep(self) -> None: ...
"""


def test_a_module_that_only_declares_needs_no_mirror() -> None:
    assert only_declares(module("engine/ports/clock.py", DECLARES))
    assert not list(no_mirror([module("engine/ports/clock.py", DECLARES)], [], {}))


@pytest.mark.parametrize(
    "more", ["def f():\n    return 1\n", "f = lambda: 1\n", "async def f():\n    'x'\n    g()\n"]
)
def test_a_module_with_something_to_run_does_more_than_declare(more: str) -> None:
    assert not only_declares(module("engine/ports/clock.py", DECLARES + more))


def test_an_exception_is_one_and_stays_one() -> None:
    elsewhere = {"edge/main.py": "run by every test of tests/e2e"}
    main = [module("edge/main.py")]
    assert not list(no_mirror(main, [], elsewhere))
    assert list(no_mirror(main, ["tests/edge/test_main.py"], elsewhere))
    assert list(no_mirror([], [], elsewhere))
