"""What happened, in sentences."""

from edge.demo.feed import ENTRIES_MAX, TOGETHER_MS, Entry, Feed, Kind


def heard(feed: Feed) -> list[str]:
    """Collects what a listener is told."""
    told: list[str] = []
    feed.listen(lambda entry: told.append(entry.text))
    return told


def texts(feed: Feed) -> list[str]:
    return [entry.text for entry in feed.entries]


def test_entries_stand_in_the_order_they_came_in() -> None:
    feed = Feed()
    feed.add(1.7, Kind.TURBO, "first")
    feed.add(2.0, Kind.BOOKED, "second")
    assert list(feed.entries) == [
        Entry(1, Kind.TURBO, "first"),
        Entry(2, Kind.BOOKED, "second"),
    ]


def test_only_the_newest_are_remembered() -> None:
    feed = Feed()
    for number in range(ENTRIES_MAX + 3):
        feed.add(number, Kind.BOOKED, str(number))
    assert texts(feed)[0] == "3"
    assert len(feed.entries) == ENTRIES_MAX


def test_the_losers_of_one_race_share_an_entry() -> None:
    feed = Feed()
    feed.missed(1_000, 7, "Salsa", "Mert D.", 12)
    feed.add(1_010, Kind.BOOKED, "in between")
    feed.missed(1_050, 7, "Salsa", "Can A.", 48)
    assert texts(feed) == ["Mert D. missed Salsa by 12 ms, Can A. by 48 ms", "in between"]


def test_another_race_has_an_entry_of_its_own() -> None:
    feed = Feed()
    feed.missed(1_000, 7, "Salsa", "Mert D.", 12)
    feed.missed(1_001, 8, "Tango", "Can A.", 3)
    feed.missed(1_000 + TOGETHER_MS, 7, "Salsa", "Elif A.", 5)
    assert texts(feed) == [
        "Mert D. missed Salsa by 12 ms",
        "Can A. missed Tango by 3 ms",
        "Elif A. missed Salsa by 5 ms",
    ]


def test_a_listener_hears_of_each_by_itself() -> None:
    feed = Feed()
    told = heard(feed)
    feed.missed(1_000, 7, "Salsa", "Mert D.", 12)
    feed.missed(1_001, 7, "Salsa", "Can A.", 48)
    feed.add(1_002, Kind.TURBO, "turbo")
    assert told == ["Mert D. missed Salsa by 12 ms", "Can A. missed Salsa by 48 ms", "turbo"]
