"""Ids, languages and keys of a request, read strictly."""

import pytest

from edge.incoming import RequestIds, checked_key, language_of, path_reader
from edge.problems import NoAuctionForTurbo
from engine.errors import Invalid, NotFound


@pytest.mark.parametrize("given", ["12345678", "A.b_c-9x", "x" * 64])
def test_a_request_id_of_the_form_is_kept(given: str) -> None:
    assert RequestIds("node-one").of(given) == given


@pytest.mark.parametrize(
    "given", [None, "", "1234567", "x" * 65, "with space", "ünïcödë8", "12345678\n", "a;b=cdefg"]
)
def test_any_other_is_replaced_by_one_of_our_own_each_time_another(given: str | None) -> None:
    ids = RequestIds("node-one")
    first, second = ids.of(given), ids.of(given)
    assert first != second
    assert RequestIds("node-two").of(first) == first, "our own have the form too"


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "tr"),
        ("", "tr"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("tr-TR,tr;q=0.9,en;q=0.8", "tr"),
        ("en;q=0.8, tr;q=0.9", "tr"),
        ("tr;q=0.5, EN;q=0.7", "en"),
        ("de, fr", "tr"),
        ("de, en;q=0.1", "en"),
        ("tr;q=0, *", "en"),
        ("tr;q=0, en;q=0", "tr"),
        ("*", "tr"),
        ("en;q=nonsense", "tr"),
        ("en;level=1", "tr"),
        (",;q=,;,", "tr"),
        ("en," * 100, "tr"),
    ],
)
def test_the_language_asked_for_most_is_spoken_and_turkish_in_doubt(
    accept: str | None, language: str
) -> None:
    assert language_of(accept) == language


@pytest.mark.parametrize("key", [None, "k" * 16, "A-_9" * 16])
def test_an_idempotency_key_of_the_form_is_taken(key: str | None) -> None:
    assert checked_key(key) == key


@pytest.mark.parametrize("key", ["", "k" * 15, "k" * 65, "k" * 15 + "!", "k" * 16 + "\n", "ı" * 16])
def test_any_other_key_is_named_as_what_is_wrong(key: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_key(key)
    assert [each.field for each in caught.value.errors] == ["Idempotency-Key"]


def test_ids_in_a_path_become_integers_and_texts_stay() -> None:
    read = path_reader("/auctions/{auction_id}/of/{booking_code}")
    assert read is not None
    assert read({"auction_id": "007", "booking_code": "HOT-7"}) == {
        "auction_id": 7,
        "booking_code": "HOT-7",
    }
    assert path_reader("/auctions") is None


@pytest.mark.parametrize(
    "value", ["", "-1", "+1", "1.0", "1e3", "x", " 1", "1 ", "٣", "9223372036854775808", "1" * 30]
)
def test_an_id_that_is_none_is_not_found(value: str) -> None:
    read = path_reader("/auctions/{auction_id}")
    assert read is not None
    with pytest.raises(NotFound):
        read({"auction_id": value})


def test_a_route_may_say_in_its_own_way_that_nothing_is_there() -> None:
    read = path_reader("/x/{x_id}/{code}", NoAuctionForTurbo)
    assert read is not None
    for wrong in ({"x_id": "x", "code": "y"}, {"x_id": "1", "code": "\0"}):
        with pytest.raises(NoAuctionForTurbo):
            read(wrong)


def test_the_largest_id_is_one() -> None:
    read = path_reader("/x/{id}")
    assert read is not None
    assert read({"id": "9223372036854775807"}) == {"id": 2**63 - 1}


@pytest.mark.parametrize("value", ["a\0b", "a\ufffdb"])
def test_text_that_no_database_takes_is_not_found(value: str) -> None:
    read = path_reader("/x/{booking_code}")
    assert read is not None
    with pytest.raises(NotFound):
        read({"booking_code": value})
