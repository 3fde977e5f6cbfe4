"""The scene as text."""

from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from edge.demo import board
from edge.demo.board import Caption
from edge.demo.feed import Kind
from edge.demo.lateness import Lateness
from edge.demo.scene import SHOWN_AFTER_END_MS, Scene
from tests.edge.demo.samples import END_MS, START_MS, booked, drop, row, schedule, turbo, updated

NOW_MS = START_MS + 6_000
CAPTION = Caption("http://127.0.0.1:8080", "Ctrl-C stops")


def scene(*rows: dict[str, Any]) -> Scene:
    made = Scene()
    for each in rows or (row(),):
        made.show(each, START_MS)
    return made


def drawn(
    made: Scene,
    now_ms: float = NOW_MS,
    width: int = 80,
    height: int = 24,
    zone: tzinfo | None = UTC,
) -> list[str]:
    lines = board.lines(made, CAPTION, now_ms, width=width, height=height, zone=zone)
    return [line.plain for line in lines]


def line_with(text: str, lines: list[str]) -> str:
    (found,) = (line for line in lines if text in line and " turns " not in line)
    return found


def crowd(count: int) -> list[dict[str, Any]]:
    """Many sales, one letter each, of all ages."""
    return [row(number, title=f"Ders {number:03}") for number in range(1, count + 1)]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (120, 40), (200, 60), (40, 10)])
@pytest.mark.parametrize("count", [0, 1, 40])
def test_it_fills_the_terminal_and_no_more(width: int, height: int, count: int) -> None:
    made = Scene()
    for each in crowd(count):
        made.show({**each, "title": "Şıkır şıkır İzmir gecesi Zumba 日本 " * 3}, START_MS)
    for number in range(count):
        made.feed.add(NOW_MS, Kind.BOOKED, f"{number} " + "uzun bir cümle " * 20)
    lines = drawn(made, width=width, height=height)
    assert len(lines) == height
    assert max(cell_len(line) for line in lines) <= width


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_sale_is_one_row_of_the_table(width: int) -> None:
    made = scene()
    made.frame(drop(1, "495.00"), 2.25, NOW_MS)
    lines = drawn(made, width=width)
    cells = line_with(" Yin Yoga ", lines).split()
    assert cells[:2] == ["Yin", "Yoga"]
    assert {"495.00", "4.0s", "74s", "2/2", "0"} <= set(cells)
    assert ("2.2ms" in cells) == (width >= board.WIDE)
    assert ("LATE" in lines[1].split()) == (width >= board.WIDE)


def test_the_bar_is_as_long_as_the_price_is_high() -> None:
    made = scene()
    full = line_with(" Yin Yoga ", drawn(made))
    assert "░" not in full
    made.frame(drop(20, "400.00"), None, NOW_MS)
    half = line_with(" Yin Yoga ", drawn(made))
    assert half.count("█") == half.count("░") == full.count("█") / 2


def test_at_the_floor_there_is_no_next_drop() -> None:
    made = scene(row(current_price="300.00", next_drop_at=None))
    assert "floor" in line_with(" Yin Yoga ", drawn(made)).split()


def test_before_the_end_the_last_price_stays() -> None:
    made = scene(row(current_price="310.00", next_drop_at=None))
    assert "last" in line_with(" Yin Yoga ", drawn(made)).split()


def test_turbo_is_counted_down_and_then_on() -> None:
    made = scene()
    assert "74s" in line_with(" Yin Yoga ", drawn(made)).split()
    made.frame(turbo(), None, NOW_MS)
    assert "TURBO" in line_with(" Yin Yoga ", drawn(made)).split()


def test_without_turbo_there_is_none_to_wait_for() -> None:
    made = scene(row(schedule=schedule(turbo=False)))
    assert "-" in line_with(" Yin Yoga ", drawn(made)).split()


def test_a_price_that_has_just_moved_is_brighter() -> None:
    made = scene()
    made.frame(drop(1, "495.00"), None, NOW_MS)

    def style(now_ms: float) -> str:
        lines = board.lines(made, CAPTION, now_ms, width=80, height=24, zone=UTC)
        (line,) = (line for line in lines if "495.00" in line.plain)
        return str(next(s.style for s in line.spans if "495" in line.plain[s.start : s.end]))

    assert style(NOW_MS + 100) == "bold bright_yellow"
    assert style(NOW_MS + board.FRESH_MS) == "bold green"


def test_a_class_for_women_is_marked() -> None:
    assert "Yin Yoga ♀" in line_with(" Yin Yoga ", drawn(scene(row(allowed_gender="FEMALE"))))


def test_what_is_sold_out_is_said_for_a_moment() -> None:
    made = scene()
    made.frame(booked(3, 0), None, NOW_MS)
    assert "sold out" in line_with(" Yin Yoga ", drawn(made, NOW_MS + SHOWN_AFTER_END_MS - 1))
    assert not [line for line in drawn(made, NOW_MS + SHOWN_AFTER_END_MS) if "Yin" in line]


@pytest.mark.parametrize(("status", "word"), [("EXPIRED", "over"), ("CANCELLED", "cancelled")])
def test_so_is_every_other_end(status: str, word: str) -> None:
    made = scene()
    made.frame(updated(status.lower(), revision=3, status=status), None, END_MS)
    assert word in line_with(
        "Yin", [line for line in drawn(made, END_MS) if "seat" not in line][:3]
    )


def test_what_is_to_come_stands_below_with_its_start() -> None:
    made = scene(row(1, title="Tango", status="SCHEDULED"))
    lines = drawn(made, START_MS - 12_000)
    assert lines.index(line_with("Tango", lines)) > lines.index(line_with("coming up", lines))
    assert "in 12s" in line_with("Tango", lines)


def test_a_cancelled_one_is_not_to_come() -> None:
    made = scene(row(1, title="Tango", status="CANCELLED"))
    assert not [line for line in drawn(made, START_MS - 12_000) if "Tango" in line]


def test_a_sale_whose_start_nobody_told_is_on_all_the_same() -> None:
    made = scene(row(status="SCHEDULED"))
    assert "0.0s" in line_with(" Yin Yoga ", drawn(made)).split()


def test_what_does_not_fit_is_counted() -> None:
    lines = drawn(scene(*crowd(40)))
    shown = sum("Ders" in line for line in lines)
    assert f"{40 - shown} more" in line_with("coming up", lines)


def test_the_newest_of_what_happened_is_at_the_bottom() -> None:
    made = scene()
    for number in range(30):
        made.feed.add(NOW_MS, Kind.BOOKED, f"number {number}")
    lines = drawn(made)
    assert "number 29" in lines[-2]
    assert lines[-1] == " Ctrl-C stops"


def test_the_time_of_day_is_the_viewers() -> None:
    made = scene()
    made.feed.add(START_MS, Kind.TURBO, "now")
    assert line_with("turbo", drawn(made, zone=UTC)).split()[0] == "08:00:00"
    istanbul = ZoneInfo("Europe/Istanbul")
    assert line_with("turbo", drawn(made, zone=istanbul)).split()[0] == "11:00:00"


def test_the_first_line_has_the_address_and_the_numbers() -> None:
    made = scene()
    made.bookings = 12
    for late_ms in range(100):
        made.punctuality.clock.add(late_ms / 10)
    made.punctuality.bookings.add(7)
    assert drawn(made)[0].split() == [
        *("HotHour", CAPTION.url, "12", "booked", "|"),
        *("frames", "late", "p50", "5.0", "p99", "9.9", "ms"),
    ]
    assert "bookings told p50 7.0 p99 7.0 ms" in drawn(made, width=120)[0]


def test_before_the_first_frame_there_is_no_number() -> None:
    assert board.late_words(Lateness()) == "-"


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [("Salsa", 5, "Salsa"), ("Salsa", 4, "Sal…"), ("日本", 3, "日…"), ("Salsa", 0, "")],
)
def test_text_is_cut_to_its_room(text: str, width: int, fitted: str) -> None:
    assert board.fit(text, width) == fitted


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (-5, "0.0s"),
        (2_449, "2.4s"),
        (10_000, "10s"),
        (99_999, "99s"),
        (100_000, "1m"),
        (3_600_000, "1h"),
        (86_400_000 * 3, "3d"),
    ],
)
def test_a_while_is_said_in_a_few_characters(ms: int, words: str) -> None:
    made = scene(row(1, title="Tango", status="SCHEDULED"))
    line = line_with("Tango", drawn(made, START_MS - ms)) if ms > 0 else f"in {words}"
    assert f"in {words}" in line
