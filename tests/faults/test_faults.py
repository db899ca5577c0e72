"""Every fault at every step of a batch, under a mix of all events: none is lost, none counts twice.

`LEPTA_FAULT_SEED` draws what it says again, `LEPTA_FAULT_ROUNDS` adds so many drawn faults.
"""

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pytest

from fault_summary import told
from gateway import STEPS
from havoc import Fault, Ground, drawn, ground
from lepta.postgres.embedded import own
from lepta.postgres.server import EmbeddedServer

SEED = os.environ.get("LEPTA_FAULT_SEED", "1")
ROUNDS = int(os.environ.get("LEPTA_FAULT_ROUNDS", "0"))
ROOM = 2 << 30


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """In memory where there is room: it is killed, the machine is not."""
    with in_memory(tmp_path_factory) as place, own(place) as server:
        yield server


@contextmanager
def in_memory(factory: pytest.TempPathFactory) -> Iterator[Path]:
    memory = Path("/dev/shm")
    if memory.is_dir() and shutil.disk_usage(memory).free > ROOM:
        with tempfile.TemporaryDirectory(dir=memory, prefix="lepta-") as place:
            yield Path(place)
    else:
        yield factory.mktemp("postgres")


class Over(NamedTuple):
    """Where a test takes place."""

    request: pytest.FixtureRequest
    place: Path

    @asynccontextmanager
    async def ground(
        self,
        postgres: EmbeddedServer,
        services: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Ground]:
        """A ground whose faults and events are summed up at the end of the run, however the test ends."""
        async with ground(postgres, self.place, SEED, services=services, settings=settings) as made:
            made.report(f"LEPTA_FAULT_SEED={SEED}")
            try:
                yield made
            finally:
                told(self.request, SEED, made.kinds, made.traffic.tally)


@pytest.fixture
def over(request: pytest.FixtureRequest, tmp_path: Path) -> Over:
    return Over(request, tmp_path)


async def endure(them: Ground, faults: list[Fault]) -> None:
    """Each fault while everybody sends; then all is compared."""
    async with them.traffic.under_way():
        await them.traffic.more(20)
        for fault in faults:
            await them.suffer(fault)
    await them.settle()


@pytest.mark.edge_case(1, 4, 8, 10, 11)
async def test_a_service_killed_at_any_step_of_a_batch_loses_nothing_and_doubles_nothing(
    over: Over, postgres: EmbeddedServer
) -> None:
    async with over.ground(postgres) as them:
        await endure(them, [Fault("service killed", step) for step in STEPS])


@pytest.mark.edge_case(10, 11)
async def test_a_postgresql_killed_at_any_step_of_a_batch_loses_nothing_and_doubles_nothing(
    over: Over, postgres: EmbeddedServer
) -> None:
    kinds = cycle(random.Random(SEED).sample(["postmaster killed", "backend killed"], 2))
    async with over.ground(postgres) as them:
        await endure(them, [Fault(next(kinds), step) for step in STEPS])


@pytest.mark.edge_case(11)
async def test_a_connection_cut_at_any_step_of_a_batch_loses_nothing_and_doubles_nothing(
    over: Over, postgres: EmbeddedServer
) -> None:
    async with over.ground(postgres) as them:
        await endure(them, [Fault("connection cut", step) for step in STEPS])


@pytest.mark.edge_case(10, 11)
async def test_a_database_that_is_silent_or_late_is_found_out_in_bounded_time(
    over: Over, postgres: EmbeddedServer
) -> None:
    """A batch under way when packets get lost: the service notices, and so does PostgreSQL, which holds its lock."""
    faults = [
        Fault("connection silent", "after the lock"),
        Fault("connection silent", "COMMIT not forwarded"),
        Fault("connection silent", "COMMIT forwarded"),
        Fault("connection late", "append sent"),
        Fault("connection late", "COMMIT not forwarded"),
        Fault("database stalled"),
    ]
    async with over.ground(postgres) as them:
        await endure(them, faults)
        assert them.traffic.tally.left_waiting == 0


@pytest.mark.edge_case(8, 10, 11)
async def test_of_two_services_on_one_database_one_goes_on_whatever_becomes_of_the_other(
    over: Over, postgres: EmbeddedServer
) -> None:
    faults = [
        Fault("service killed", "COMMIT forwarded"),
        Fault("service frozen", "after the reads"),
        Fault("connection cut", "COMMIT not forwarded"),
        Fault("service restarted"),
    ]
    async with over.ground(postgres, services=2) as them:
        await endure(them, faults)


@pytest.mark.edge_case(10)
async def test_a_full_queue_turns_tills_away_and_forgets_nobody_it_took(
    over: Over, postgres: EmbeddedServer
) -> None:
    small = {"LEPTA_QUEUE_SIZE": "4", "LEPTA_BATCH_SIZE": "2"}
    async with over.ground(postgres, settings=small) as them:
        them.traffic.pause_s = 0.01
        await endure(them, [Fault("queue filled"), Fault("service restarted")])


@pytest.mark.skipif(not ROUNDS, reason="LEPTA_FAULT_ROUNDS says how many faults to draw")
async def test_drawn_faults_one_after_the_other_lose_nothing_and_double_nothing(
    over: Over, postgres: EmbeddedServer
) -> None:
    pick = random.Random(SEED)
    async with over.ground(postgres, services=2) as them:
        for _ in range(-(-ROUNDS // 10)):
            await endure(them, [drawn(pick) for _ in range(10)])


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of its own in memory."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "lepta-test", str(place)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.edge_case(10)
async def test_a_full_disk_turns_tills_away_until_there_is_room_again(
    over: Over, tmp_path: Path
) -> None:
    """First tables cannot grow, then the write-ahead log cannot: PostgreSQL itself ends."""
    with small_disk(tmp_path / "disk", "400m") as disk, own(disk / "data") as server:
        async with over.ground(server) as them:
            them.disk = disk
            await endure(them, [Fault("disk filled"), Fault("disk filled for long")])
