"""Each rule for the schema, shown a bad sample and a good one."""

import pytest

from tests.tidy.schema_rules import guards, not_in_schema, unexplained, unnamed
from tests.tidy.tree import TextFile

GOOD = """
-- A check with no name, in a remark: check (x)
create table seat (
    id bigint constraint seat_pkey primary key,
    note text default 'unique, primary key',
    auction_id bigint constraint seat_auction references auction,
    constraint seat_user foreign key (user_id) references account,
    constraint seat_price check (price > 0)
);
create unique index seat_once on seat (auction_id) where status <> 'CANCELLED';
create index seat_by_user on seat (user_id);
comment on constraint seat_pkey on seat is 'One row a seat';
comment on constraint seat_auction on seat is 'Of an auction';
comment on constraint seat_user on seat is 'Of a user';
comment on constraint seat_price on seat is 'Never for nothing; the guest''s price';
comment on index seat_once is 'One seat an auction';
"""


def schema(text: str) -> TextFile:
    return TextFile("schema.sql", text)


def test_a_schema_that_names_and_explains_every_guard_is_fine() -> None:
    assert guards(GOOD) == ["seat_pkey", "seat_auction", "seat_user", "seat_price", "seat_once"]
    assert not list(unnamed(schema(GOOD)))
    assert not list(unexplained(schema(GOOD)))


@pytest.mark.parametrize("name", guards(GOOD))
def test_a_guard_without_its_comment_is_found(name: str) -> None:
    lines = [line for line in GOOD.splitlines() if f" {name} " not in line or "comment" not in line]
    assert list(unexplained(schema("\n".join(lines)))) == [
        f"schema.sql: {name} has no comment that says which rule it holds"
    ]


def test_an_empty_comment_explains_nothing() -> None:
    assert list(unexplained(schema(GOOD.replace("'One seat an auction'", "''"))))


def test_a_comment_on_something_gone_is_found() -> None:
    gone = GOOD + "comment on constraint seat_gone on seat is 'It was here';\n"
    assert list(unexplained(schema(gone))) == [
        "schema.sql: a comment speaks of seat_gone, which is not there"
    ]


@pytest.mark.parametrize("name", ["seat_pkey", "seat_auction", "seat_user", "seat_price"])
def test_a_constraint_without_a_name_is_found(name: str) -> None:
    assert list(unnamed(schema(GOOD.replace(f"constraint {name} ", "", 1)))) == [
        "schema.sql: 4 constraints, 3 of them named"
    ]


def test_a_guard_that_only_the_code_knows_is_found() -> None:
    asks = 'if error.constraint_name in ("seat_once", "seat_twice"):\n    row["seat_no"]\n'
    assert list(not_in_schema(TextFile("engine/store/x.py", asks), GOOD + "-- seat_twice")) == [
        "engine/store/x.py: seat_no is not in schema.sql",
        "engine/store/x.py: seat_twice is not in schema.sql",
    ]
    known = 'ONCE = "seat_once"\nif error.constraint_name == ONCE:\n    row["auction_id"]\n'
    assert not list(not_in_schema(TextFile("engine/store/x.py", known), GOOD))
