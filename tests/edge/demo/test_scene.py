"""What is known of the shop."""

from edge.demo.feed import Kind
from edge.demo.sale import Took
from edge.demo.scene import CLAIM_WITHIN_MS, KEPT_AFTER_END_MS, SALES_MAX, Scene
from tests.edge.demo.samples import END_MS, START_MS, booked, drop, row, snapshot, turbo, updated

NOW_MS = START_MS + 6_000
RESERVATION = {"revision": 3, "locked_price": "495.00", "currency": "TRY", "seat_no": 1}


def scene() -> Scene:
    """With one sale on."""
    made = Scene()
    made.show(row(), NOW_MS)
    return made


def happened(scene: Scene) -> list[tuple[Kind, str]]:
    return [(entry.kind, entry.text) for entry in scene.feed.entries]


def test_a_row_is_shown_once_and_never_overwrites_what_frames_said() -> None:
    made = scene()
    made.frame(drop(1, "495.00"), 2.0, NOW_MS)
    made.show(row(), NOW_MS)
    assert made.shown[1].sale.price == 49_500
    assert made.status(1) == "ACTIVE"
    assert made.status(2) is None


def test_no_more_is_shown_than_one_socket_may_watch() -> None:
    made = Scene()
    for auction_id in range(SALES_MAX + 5):
        made.show(row(auction_id), NOW_MS)
    assert len(made.shown) == SALES_MAX


def test_a_drop_is_fresh_and_knows_how_late_it_came() -> None:
    made = scene()
    assert made.frame(drop(1, "495.00"), 2.5, NOW_MS) is Took.TAKEN
    shown = made.shown[1]
    assert (shown.changed_at_ms, shown.late_ms) == (NOW_MS, 2.5)


def test_a_frame_of_something_unknown_is_left_alone() -> None:
    assert scene().frame(drop(1, "495.00", auction_id=9), None, NOW_MS) is Took.OLD


def test_a_gap_is_the_watchers_to_close() -> None:
    made = scene()
    assert made.frame(booked(5, 0), None, NOW_MS) is Took.GAP
    made.snapshot({**snapshot(revision=5, status="SOLD", seats_left=0)}, NOW_MS + 1)
    assert made.shown[1].sale.seats_left == 0
    assert made.shown[1].since_ms == NOW_MS + 1


def test_a_guest_who_says_so_first_is_the_one_who_booked() -> None:
    made = scene()
    made.won("Elif A.", made.shown[1].sale, RESERVATION, NOW_MS)
    made.frame(booked(3, 1), 4.0, NOW_MS)
    made.tidy(NOW_MS + CLAIM_WITHIN_MS)
    text = "Elif A. took Yin Yoga at 495.00 TRY, seat 1/2 (Mor Menekşe Yoga)"
    assert happened(made) == [(Kind.BOOKED, text)]
    assert made.bookings == 1


def test_a_guest_who_says_so_after_the_frame_is_it_too() -> None:
    made = scene()
    made.frame(booked(3, 1), 4.0, NOW_MS)
    made.won("Elif A.", made.shown[1].sale, RESERVATION, NOW_MS)
    made.tidy(NOW_MS + CLAIM_WITHIN_MS)
    assert [kind for kind, _ in happened(made)] == [Kind.BOOKED]


def test_a_booking_that_nobody_claims_is_somebody_elses() -> None:
    made = scene()
    made.frame(booked(3, 1), 4.0, NOW_MS)
    made.tidy(NOW_MS + CLAIM_WITHIN_MS - 1)
    assert happened(made) == []
    made.tidy(NOW_MS + CLAIM_WITHIN_MS)
    text = "somebody else took Yin Yoga at 495.00 TRY (Mor Menekşe Yoga)"
    assert happened(made) == [(Kind.BOOKED, text)]


def test_what_happens_to_a_sale_is_told() -> None:
    made = scene()
    made.frame(turbo(current_price="420.00"), 1.0, NOW_MS)
    made.frame(updated("relisted", revision=4, step=17, current_price="410.00"), None, NOW_MS)
    made.frame(updated("cancelled", revision=5, step=17, status="CANCELLED"), None, NOW_MS)
    made.frame(updated("edited", revision=6, step=17, status="CANCELLED"), None, NOW_MS)
    assert happened(made) == [
        (Kind.TURBO, "Yin Yoga turns turbo at 420.00 TRY (Mor Menekşe Yoga)"),
        (Kind.RELISTED, "Yin Yoga has a seat again at 410.00 TRY (Mor Menekşe Yoga)"),
        (Kind.WARNING, "Yin Yoga was cancelled (Mor Menekşe Yoga)"),
    ]


def test_what_guests_tell_is_told() -> None:
    made = scene()
    sale = made.shown[1].sale
    made.missed("Can A.", sale, 12, NOW_MS)
    made.gave_back("Elif A.", sale, NOW_MS)
    made.checked_in("Mert D.", "Tango", "İmbat Dans Evi", NOW_MS)
    assert happened(made) == [
        (Kind.MISSED, "Can A. missed Yin Yoga by 12 ms"),
        (Kind.GAVE_BACK, "Elif A. gave back Yin Yoga (Mor Menekşe Yoga)"),
        (Kind.CHECKED_IN, "Mert D. is here for Tango (İmbat Dans Evi)"),
    ]


def test_a_sale_that_is_over_goes_after_a_while() -> None:
    made = scene()
    assert made.tidy(END_MS + KEPT_AFTER_END_MS - 1) == []
    assert made.tidy(END_MS + KEPT_AFTER_END_MS) == [1]
    assert made.shown == {}


def test_a_cancelled_one_does_not_wait_for_its_end() -> None:
    made = scene()
    made.frame(updated("cancelled", revision=3, status="CANCELLED"), None, NOW_MS)
    assert made.tidy(NOW_MS + KEPT_AFTER_END_MS) == [1]


def test_claims_are_forgotten() -> None:
    made = scene()
    made.won("Elif A.", made.shown[1].sale, RESERVATION, NOW_MS)
    made.tidy(NOW_MS + KEPT_AFTER_END_MS)
    made.frame(booked(3, 1), 4.0, NOW_MS)
    made.tidy(NOW_MS + KEPT_AFTER_END_MS + CLAIM_WITHIN_MS)
    assert "somebody else" in made.feed.entries[-1].text
