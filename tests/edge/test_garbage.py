"""What is there at the end of a start is not looked at again, and everything is after a stop."""

import gc
from pathlib import Path

from edge.garbage import look_again, spared
from tests.edge.test_app import running


def test_what_a_start_makes_is_spared_and_no_collection_disturbs_it() -> None:
    before = gc.get_freeze_count()
    try:
        with spared():
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > before + 1_000
    finally:
        look_again()
    assert gc.get_freeze_count() == 0


async def test_a_server_spares_what_it_started_with_until_it_stops(
    database: str, tmp_path: Path
) -> None:
    async with running(database, tmp_path):
        assert gc.get_freeze_count() > 1_000
    assert gc.get_freeze_count() == 0
