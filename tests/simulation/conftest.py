"""What a test leaves running under virtual time is let go at its end."""

from collections.abc import Iterator

import pytest

from tests.simulation.stage import OPEN


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()
