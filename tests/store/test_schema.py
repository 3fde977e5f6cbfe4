"""The database's shape as text: where schema.sql is found, how migrations are read."""

from pathlib import Path

import pytest

from engine.store.schema import Migration, find_schema, load_shape, parse_migration, read_migrations

STEP = """-- migrate:up
create table t (id int);

-- migrate:down
drop table t;
"""


def test_an_installed_package_carries_the_schema_inside(tmp_path: Path) -> None:
    package = tmp_path / "engine"
    package.mkdir()
    (package / "schema.sql").write_text("inside")
    (tmp_path / "schema.sql").write_text("beside")
    assert find_schema(package).read_text() == "inside"


def test_a_checkout_has_the_schema_beside_the_package(tmp_path: Path) -> None:
    package = tmp_path / "engine"
    package.mkdir()
    (tmp_path / "schema.sql").write_text("beside")
    assert find_schema(package).read_text() == "beside"


def test_the_shape_of_this_code_is_found_where_it_is_installed() -> None:
    shape = load_shape()
    assert "create table auction (" in shape.schema
    assert shape.migrations[0].version == "20261121000000"


def test_a_migration_is_what_stands_between_up_and_down() -> None:
    migration = parse_migration("20270101120000_add_t.sql", STEP)
    assert migration == Migration("20270101120000", "add_t", "create table t (id int);")
    assert str(migration) == "20270101120000_add_t"


def test_a_changed_step_has_another_checksum_and_a_changed_way_back_has_not() -> None:
    first = parse_migration("20270101120000_add_t.sql", STEP)
    other_step = parse_migration("20270101120000_add_t.sql", STEP.replace("int", "bigint"))
    other_way_back = parse_migration("20270101120000_add_t.sql", STEP.replace("drop", "-- drop"))
    assert first.checksum == other_way_back.checksum != other_step.checksum


def test_migrations_are_read_oldest_first(tmp_path: Path) -> None:
    for stamp in ("20270201000000", "20270101000000"):
        (tmp_path / f"{stamp}_x.sql").write_text(STEP)
    assert [m.version for m in read_migrations(tmp_path)] == ["20270101000000", "20270201000000"]


@pytest.mark.parametrize(
    ("file_name", "text"),
    [
        ("2027_short_stamp.sql", STEP),
        ("20270101120000_Capital.sql", STEP),
        ("20270101120000_no_mark.sql", "create table t (id int);"),
        ("20270101120000_two_marks.sql", STEP + STEP),
        # An option that would be skipped silently must not look like a migration.
        ("20270101120000_option.sql", STEP.replace(":up", ":up transaction:false")),
    ],
)
def test_a_file_that_is_no_migration_is_refused(file_name: str, text: str) -> None:
    with pytest.raises(ValueError, match=file_name.removesuffix(".sql")):
        parse_migration(file_name, text)


def test_two_migrations_of_one_version_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"20270101120000_{name}.sql").write_text(STEP)
    with pytest.raises(ValueError, match="same version"):
        read_migrations(tmp_path)
