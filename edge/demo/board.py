"""The scene as lines of text for a terminal of any size from 80 columns on.

Pure: the same scene at the same instant is the same text. Nothing here knows a terminal; no line is
wider than asked for, and there are never more of them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from edge.demo.feed import Entry, Kind
from edge.demo.lateness import Lateness
from edge.demo.scene import SHOWN_AFTER_END_MS, Scene, Shown
from engine.domain.money import format_minor

WIDE: Final = 96
"""From this width on there is room for how late the newest frame of each sale was."""
FEED_LINES_MIN: Final = 5
FRESH_MS: Final = 700
"""A price that has just moved is brighter for so long."""
_SECOND_MS: Final = 1_000
_FEED_LABEL: Final = 10

STYLES: Final = {
    Kind.BOOKED: "green",
    Kind.MISSED: "yellow",
    Kind.TURBO: "magenta",
    Kind.GAVE_BACK: "cyan",
    Kind.RELISTED: "cyan",
    Kind.CHECKED_IN: "blue",
    Kind.WARNING: "red",
}


@dataclass(frozen=True, slots=True)
class Column:
    """Cells of one width; numbers stand to the right."""

    head: str
    width: int
    right: bool = False

    def cell(self, text: str) -> str:
        """The text in exactly this width."""
        text = fit(text, self.width)
        room = " " * (self.width - cell_len(text))
        return room + text if self.right else text + room


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands around the board, whatever happens on it."""

    url: str
    hint: str


def lines(
    scene: Scene, caption: Caption, now_ms: float, *, width: int, height: int, zone: tzinfo | None
) -> list[Text]:
    """The whole board, top to bottom. `zone`: of the clock times; None: this machine's."""
    columns = columns_for(width)
    live, soon = _in_order(scene, now_ms)
    room = max(1, height - FEED_LINES_MIN - 6)
    soon_shown = min(len(soon), max(1, room // 3))
    live_shown = min(len(live), room - soon_shown)
    board = [_title(scene, caption, width), _heads(columns)]
    board += [_live_line(each, columns, now_ms) for each in live[:live_shown]]
    more = len(live) + len(soon) - live_shown - soon_shown
    board.append(_rule("coming up", width, f"{more} more" if more > 0 else ""))
    board += [_soon_line(each, columns, now_ms) for each in soon[:soon_shown]]
    board.append(_rule("what happened", width, ""))
    feed_room = max(0, height - len(board) - 1)
    newest = list(scene.feed.entries)[-feed_room:] if feed_room else []
    board += [_feed_line(entry, width, zone) for entry in newest]
    board += [Text()] * (height - len(board) - 1)
    board.append(Text(fit(f" {caption.hint}", width), style="dim"))
    for line in board:
        line.truncate(width)  # a table is only so narrow: below that its right end is cut off
    return board[:height]


def columns_for(width: int) -> tuple[Column, ...]:
    """The table's columns; those of variable width share what the others leave."""
    fixed = [
        Column("PRICE", 8, right=True),
        Column("NEXT", 5, right=True),
        Column("TURBO", 5, right=True),
        Column("SEATS", 5, right=True),
        Column("WATCH", 5, right=True),
    ]
    if width >= WIDE:
        fixed.append(Column("LATE", 6, right=True))
    left = max(24, width - sum(each.width for each in fixed) - len(fixed) - 4)
    bar = min(24, left * 3 // 10)
    studio = min(20, (left - bar) * 2 // 5)
    title = min(32, left - bar - studio)
    price, *rest = fixed
    return (
        Column("CLASS", title),
        Column("STUDIO", studio),
        price,
        Column("TO FLOOR", bar),
        *rest,
    )


def fit(text: str, width: int) -> str:
    """The text, or as much of it as there is room for."""
    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text, width - 1)}…" if width > 0 else ""


def clock(at_ms: int, zone: tzinfo | None) -> str:
    """The time of day."""
    return f"{datetime.fromtimestamp(at_ms / _SECOND_MS, tz=UTC).astimezone(zone):%H:%M:%S}"


def late_words(lateness: Lateness) -> str:
    """Half of the frames and nearly all of them came within these."""
    found = lateness.quantiles(0.5, 0.99)
    return "-" if found is None else f"p50 {found[0]:.1f} p99 {found[1]:.1f} ms"


def _in_order(scene: Scene, now_ms: float) -> tuple[list[Shown], list[Shown]]:
    """What is on, the first to end first; what is to come, the first to start first."""
    live, soon = [], []
    for shown in scene.shown.values():
        schedule = shown.sale.schedule
        if now_ms < schedule.starts_at_ms:
            if not shown.sale.over:
                soon.append(shown)
        elif _is_on(shown, now_ms) or now_ms - _over_since_ms(shown) < SHOWN_AFTER_END_MS:
            live.append(shown)
    live.sort(key=lambda each: (each.sale.schedule.ends_at_ms, each.sale.id))
    soon.sort(key=lambda each: (each.sale.schedule.starts_at_ms, each.sale.id))
    return live, soon


def _is_on(shown: Shown, now_ms: float) -> bool:
    sale = shown.sale
    return sale.status in ("SCHEDULED", "ACTIVE") and now_ms < sale.schedule.ends_at_ms


def _over_since_ms(shown: Shown) -> float:
    ends_ms = shown.sale.schedule.ends_at_ms
    return min(shown.since_ms, ends_ms) if shown.sale.status == "SOLD" else ends_ms


def _title(scene: Scene, caption: Caption, width: int) -> Text:
    late = scene.punctuality
    left = f" HotHour  {caption.url}"
    short = f"{scene.bookings} booked | frames late {late_words(late.clock)} "
    long = f"{short}| bookings told {late_words(late.bookings)} "
    right = long if cell_len(left + long) < width else short
    room = width - cell_len(left + right)
    if room < 1:
        return Text(fit(f"{left} {right}", width), style="bold")
    return Text.assemble((left, "bold"), " " * room, right)


def _heads(columns: tuple[Column, ...]) -> Text:
    return Text(" " + " ".join(column.cell(column.head) for column in columns), style="dim")


def _rule(head: str, width: int, tail: str) -> Text:
    end = f" {tail} ─" if tail else ""
    start = f"─ {head} "
    return Text(fit(start + "─" * (width - cell_len(start + end)) + end, width), style="dim")


def _live_line(shown: Shown, columns: tuple[Column, ...], now_ms: float) -> Text:
    sale = shown.sale
    title, studio, price, bar, *rest = columns
    on_sale = _is_on(shown, now_ms)
    fresh = now_ms - shown.changed_at_ms < FRESH_MS
    turbo = sale.turbo_since_ms is not None
    price_style = "bold" if not on_sale else "bold bright_yellow" if fresh else "bold green"
    cells = {
        "NEXT": _next_words(shown, now_ms) if on_sale else "",
        "TURBO": _turbo_words(shown, now_ms) if on_sale else "",
        "SEATS": f"{sale.seats_left}/{sale.seats}",
        "WATCH": str(sale.watchers),
        "LATE": "" if shown.late_ms is None else f"{shown.late_ms:.1f}ms",
    }
    line = Text(" ")
    line.append(title.cell(_name(shown)), style="bold" if on_sale else "dim")
    line.append(f" {studio.cell(sale.studio)}", style="dim")
    line.append(f" {price.cell(format_minor(sale.price))} ", style=price_style)
    if on_sale:
        line.append(bar.cell(_bar(shown, bar.width)), style="magenta" if turbo else "green")
    else:
        line.append(bar.cell(_end_words(shown)), style="bold")
    for column in rest:
        style = "bold magenta" if column.head == "TURBO" and turbo and on_sale else ""
        line.append(f" {column.cell(cells[column.head])}", style=style)
    return line


def _soon_line(shown: Shown, columns: tuple[Column, ...], now_ms: float) -> Text:
    sale = shown.sale
    title, studio, price, bar, *rest = columns
    cells = {"SEATS": f"{sale.seats_left}/{sale.seats}", "WATCH": str(sale.watchers)}
    text = " ".join(
        (
            "",
            title.cell(_name(shown)),
            studio.cell(sale.studio),
            price.cell(format_minor(sale.price)),
            bar.cell(f"in {_seconds(sale.schedule.starts_at_ms - now_ms)}"),
            *(column.cell(cells.get(column.head, "")) for column in rest),
        )
    )
    return Text(text, style="dim")


def _name(shown: Shown) -> str:
    return f"{shown.sale.title} ♀" if shown.sale.women_only else shown.sale.title


def _bar(shown: Shown, width: int) -> str:
    """How far the price still is above its floor."""
    schedule = shown.sale.schedule
    spread = schedule.start_price - schedule.floor_price
    full = round((shown.sale.price - schedule.floor_price) * width / spread) if spread else 0
    return "█" * full + "░" * (width - full)


def _next_words(shown: Shown, now_ms: float) -> str:
    at_ms = shown.sale.next_drop_at_ms
    if at_ms is not None:
        return _seconds(at_ms - now_ms)
    return "floor" if shown.sale.price == shown.sale.schedule.floor_price else "last"


def _turbo_words(shown: Shown, now_ms: float) -> str:
    if shown.sale.turbo_since_ms is not None:
        return "TURBO"
    at_ms = shown.sale.turbo_at_ms
    return "-" if at_ms is None else _seconds(at_ms - now_ms, exact=False)


def _end_words(shown: Shown) -> str:
    match shown.sale.status:
        case "SOLD":
            return "sold out"
        case "CANCELLED":
            return "cancelled"
        case _:
            return "over"


def _seconds(ms: float, *, exact: bool = True) -> str:
    """ "2.4s", "38s", "12m", "3h": at most five characters."""
    ms = max(0.0, ms)
    if exact and ms < 10 * _SECOND_MS:
        return f"{ms / _SECOND_MS:.1f}s"
    seconds = int(ms // _SECOND_MS)
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= (length if length > 60 else 100):
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _feed_line(entry: Entry, width: int, zone: tzinfo | None) -> Text:
    head = f" {clock(entry.at_ms, zone)}  "
    label = entry.kind.value.ljust(_FEED_LABEL)
    text = fit(f" {entry.text}", width - cell_len(head + label))
    return Text.assemble((head, "dim"), (label, STYLES[entry.kind]), text)
