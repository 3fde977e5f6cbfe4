"""How many guests when."""

import pytest

from loadtests.scenarios.shapes import SHAPES, Stage, stage


def test_a_rush_has_all_its_guests_within_a_sixth() -> None:
    assert stage("rush", 0.0, 120, 60.0) == Stage(120, 12.0)


@pytest.mark.parametrize(
    ("elapsed_s", "guests"), [(0.0, 20), (19.9, 20), (20.0, 100), (39.9, 100), (40.0, 20)]
)
def test_a_spike_is_in_the_middle_third(elapsed_s: float, guests: int) -> None:
    assert stage("spike", elapsed_s, 100, 60.0) == Stage(guests, 50.0)


def test_a_spike_without_an_end_comes_again_every_minute() -> None:
    assert stage("spike", 600.0 + 30.0, 100, None) == Stage(100, 50.0)
    assert stage("spike", 600.0 + 50.0, 100, None) == Stage(20, 50.0)


def test_a_soak_keeps_its_number() -> None:
    assert stage("soak", 0.0, 60, 60.0) == stage("soak", 59.0, 60, 60.0) == Stage(60, 3.0)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_ends_and_is_never_empty(name: str) -> None:
    assert stage(name, 60.0, 1, 60.0) is None
    for elapsed_s in range(60):
        now = stage(name, elapsed_s, 1, 60.0)
        assert now is not None
        assert now.guests == 1
        assert now.per_s >= 1
