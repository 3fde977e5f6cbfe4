"""Every row of the probe table against one real server: the answer it has to get, nothing written,
and the same server well at once."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from tests.hostile.probe import Probe, markdown
from tests.hostile.probes import QUICK, SLOW, patiently, seen_by
from tests.hostile.stand import Stand, standing

Waiting = Mapping[str, asyncio.Task[str]]


@pytest.fixture(scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    async with standing(tmp_path_factory.mktemp("probes")) as running:
        yield running


@pytest.fixture(scope="module")
async def waiting(stand: Stand) -> AsyncIterator[Waiting]:
    """The rows that wait for deadlines, all begun at once: they wait while others run."""
    tasks = {probe.id: asyncio.create_task(patiently(probe, stand)) for probe in SLOW}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("probe", QUICK, ids=lambda probe: probe.id)
async def test_a_row_is_answered_as_expected(stand: Stand, probe: Probe) -> None:
    assert await seen_by(probe, stand) == probe.expected


@pytest.mark.parametrize("probe", SLOW, ids=lambda probe: probe.id)
async def test_a_row_that_takes_its_time_is_ended_in_time(waiting: Waiting, probe: Probe) -> None:
    assert await waiting[probe.id] == probe.expected


async def test_after_all_of_them_nothing_was_written_and_a_good_press_still_sells(
    stand: Stand,
) -> None:
    """The rows above prove something only if what they send is wrong in one thing alone."""
    before = await stand.rows()
    assert before["reservation"] == 0
    status, seat = await stand.api.book(stand.guest, stand.auction)
    assert status == 201, seat
    after = await stand.rows()
    assert after["reservation"] == 1
    assert await stand.complaint() == ""


def test_the_table_is_whole_and_each_row_is_there_once() -> None:
    names = [probe.id for probe in (*QUICK, *SLOW)]
    assert len(names) == len(set(names))
    assert len(names) >= 350
    groups = {probe.group for probe in (*QUICK, *SLOW)}
    assert {"length", "coding", "chunks", "head", "target", "pipeline", "size"} <= groups
    assert {"JSON to a press", "type", "Content-Encoding", "slow"} <= groups
    assert {"upgrade", "Origin", "frame", "message", "flood"} <= groups


def test_a_row_that_was_seen_otherwise_stands_out() -> None:
    rows = [(QUICK[0], QUICK[0].expected), (QUICK[1], "200 | and more")]
    printed = markdown(rows).splitlines()
    assert printed[2].endswith("| yes |")
    assert printed[3].endswith("200 \\| and more | **NO** |")
