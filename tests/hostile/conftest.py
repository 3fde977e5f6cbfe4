"""One server for all who send tokens, passwords, bodies and ids; the probe table has its own."""

from collections.abc import AsyncIterator

import pytest

from tests.hostile.forgery import KEY
from tests.hostile.probe import SHORT
from tests.hostile.stand import Stand, standing


@pytest.fixture(scope="session")
async def shared_stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    """Its key is known to forgers, and a refresh token is good once, without grace."""
    settings = {"HOTHOUR_SECRET_KEY": KEY, "HOTHOUR_REFRESH_GRACE_S": "0"}
    async with standing(tmp_path_factory.mktemp("hostile"), SHORT, **settings) as running:
        yield running


@pytest.fixture(scope="module")
async def stand(shared_stand: Stand) -> AsyncIterator[Stand]:
    """The same for one module, in which it must not break."""
    assert await shared_stand.complaint() == ""
    yield shared_stand
    assert await shared_stand.complaint() == ""
