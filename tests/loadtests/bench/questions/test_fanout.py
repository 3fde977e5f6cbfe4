"""What the server's own counter says."""

import pytest

from edge.metrics import Metrics
from loadtests.bench.figures import Broken
from loadtests.bench.questions.fanout import COUNTER, written


def test_frames_of_every_weight_are_counted() -> None:
    said = (
        f'# TYPE {COUNTER} counter\n{COUNTER}{{weight="price"}} 40.0\n{COUNTER}{{weight="a"}} 2.0\n'
    )
    assert written(said) == 42.0


def test_a_server_that_has_told_nothing_counts_nothing() -> None:
    assert written(Metrics("1").exposition().decode()) == 0.0


def test_without_the_counter_nothing_is_proved() -> None:
    with pytest.raises(Broken, match="does not count"):
        written("# TYPE other counter\nother 3.0\n")
