"""How late frames came."""

from edge.demo.lateness import SAMPLE_MAX, Lateness


def test_before_the_first_frame_nothing_is_said() -> None:
    assert Lateness().quantiles(0.5) is None


def test_quantiles_are_of_the_frames_counted() -> None:
    lateness = Lateness()
    for late_ms in range(100):
        lateness.add(late_ms)
    assert lateness.quantiles(0, 0.5, 0.99, 1) == (0, 50, 99, 99)


def test_one_frame_is_all_of_its_quantiles() -> None:
    lateness = Lateness()
    lateness.add(4.5)
    assert lateness.quantiles(0.5, 0.99) == (4.5, 4.5)


def test_a_frame_cannot_come_before_its_instant() -> None:
    lateness = Lateness()
    lateness.add(-0.7)
    assert lateness.quantiles(1) == (0,)


def test_only_the_newest_are_remembered() -> None:
    lateness = Lateness()
    for _ in range(SAMPLE_MAX):
        lateness.add(1_000)
    for _ in range(SAMPLE_MAX):
        lateness.add(1)
    assert len(lateness) == SAMPLE_MAX
    assert lateness.quantiles(1) == (1,)
