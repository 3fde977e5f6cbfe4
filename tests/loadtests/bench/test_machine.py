"""Cores, use and doubts."""

import os
import sys

import pytest

from loadtests.bench.machine import (
    Cores,
    Spell,
    Stopwatch,
    Use,
    bottleneck,
    crowded,
    facts,
    generating,
    load,
    rss_bytes,
    split,
)

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="known on Linux only")


def spell(busy: float, waited: float = 0.0, who: str = "server") -> Spell:
    return Spell(who, 10.0, Use(busy * 10, waited * 10))


@pytest.mark.parametrize(
    ("cores", "server", "generator"),
    [
        ({0}, set(), set()),
        ({0, 1}, {0}, {1}),
        ({4, 5, 6}, {4}, {5, 6}),
        ({0, 1, 2, 3}, {0, 1}, {2, 3}),
    ],
)
def test_server_and_generator_never_share_a_core_where_there_are_two(
    cores: set[int], server: set[int], generator: set[int]
) -> None:
    assert split(frozenset(cores)) == Cores(frozenset(server), frozenset(generator))


def test_a_generator_at_its_limit_before_the_server_is_the_bottleneck() -> None:
    assert bottleneck(spell(0.5), spell(0.95, who="generator"))
    assert bottleneck(spell(0.95), spell(0.95, who="generator")) is None
    assert bottleneck(spell(0.5), spell(0.5, who="generator")) is None
    assert bottleneck(Spell("server", 1.0, None), Spell("generator", 1.0, None)) is None


def test_a_process_that_stands_in_line_for_its_core_casts_doubt() -> None:
    alone, in_line = spell(0.5, 0.05), spell(0.5, 0.3)
    assert crowded([in_line]) == "the server stood in line for its core 30% of the time"
    assert crowded([alone, in_line]) is not None
    assert crowded([alone, in_line, alone]) is None
    assert crowded([Spell("server", 1.0, None)]) is None


def test_a_spell_says_how_busy_it_was() -> None:
    assert str(spell(0.5, 0.05)) == "server busy 50%, in line 5%"
    assert str(Spell("server", 1.0, None)) == "server's use is not known"


@needs_linux
def test_work_is_seen_by_a_stopwatch() -> None:
    watch = Stopwatch("test", os.getpid())
    while (done := watch.spell()).wall_s < 0.2:
        sum(range(10_000))
    assert done.used is not None
    assert done.used.cpu_s > 0


@needs_linux
def test_a_process_that_is_gone_has_no_use() -> None:
    assert Stopwatch("nobody", 2**22 + 1).spell().used is None


def test_a_process_has_memory_and_a_machine_has_a_load() -> None:
    assert 1_000_000 < rss_bytes(os.getpid()) < 10_000_000_000
    assert load() >= 0.0


@needs_linux
def test_generating_gives_its_cores_back() -> None:
    before = os.sched_getaffinity(0)
    with generating():
        assert os.sched_getaffinity(0) <= before
    assert os.sched_getaffinity(0) == before


def test_facts_say_where_it_was_measured() -> None:
    assert {"machine", "cores", "python"} <= facts().keys()
