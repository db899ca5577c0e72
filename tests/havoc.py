"""A PostgreSQL, services on it behind gateways, tills that send; and everything that may happen to them."""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import asyncpg

from databases import say
from gateway import STEPS, Gateway, Link
from lepta.db import SERVICE_ROLE, Address
from lepta.postgres.server import EmbeddedServer
from lepta.postgres.unavailable import PostgresUnavailable
from lepta.processing.leaf import KINDS
from lepta.schema import migrate
from lepta.verification.verify import faults as faults_of
from processes import alive, eventually, lepta
from services import Service, open_shop
from traffic import CARDS, LIMITED, PLAY, Traffic

ANSWER_S, STATEMENT_S = 3.0, 1.0
SETTINGS = {
    "LEPTA_ANSWER_TIMEOUT_S": str(ANSWER_S),
    "LEPTA_STATEMENT_TIMEOUT_MS": str(int(STATEMENT_S * 1000)),
    "LEPTA_DATABASE_POOL_SIZE": "3",
    "LEPTA_DOCS": "false",
}
BACK_S = 40
"""So soon everything works again after a fault, on a busy machine."""
OF_TILLS = tuple(
    KINDS[kind] for kind in ("checkout", "void", "return", "hold", "gift", "adjustment")
)


class Fault(NamedTuple):
    """Something that happens, for most kinds at a step of a batch."""

    kind: str
    step: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}, {self.step}" if self.step else self.kind


@dataclass
class Served:
    """A service, and its way to the database."""

    gateway: Gateway
    service: Service

    async def kill(self) -> None:
        """kill -9; its supervisor starts it again."""
        await asyncio.to_thread(self.service.end)
        self.gateway.cut()
        self.service = await asyncio.to_thread(self.service.again)

    async def works(self) -> None:
        """Until it says that it takes sales."""
        assert await asyncio.to_thread(eventually, self.service.is_ready, BACK_S), "not ready"


@dataclass
class Ground:
    """All of it, and what has happened so far."""

    postgres: EmbeddedServer
    owner: Address
    served: list[Served]
    traffic: Traffic
    pick: random.Random
    kinds: Counter[str] = field(default_factory=Counter)
    disk: Path | None = None
    """The file system that PostgreSQL has for itself, if it has one."""

    async def suffer(self, fault: Fault) -> None:
        """Let a fault happen, and wait until everything works again."""
        started_s = time.monotonic()
        await KINDS_OF_FAULT[fault.kind](self, self.pick.choice(self.served), fault.step)
        self.kinds[str(fault)] += 1
        for each in self.served:
            await each.works()
        await self.traffic.more()
        self.report(f"{fault}: {time.monotonic() - started_s:.1f} s")

    async def settle(self) -> None:
        """Whatever was answered is there as it was answered, exactly once; nothing else is; the books are clean."""
        before = dict(self.traffic.answers)
        await self.traffic.again()
        assert self.traffic.answers.keys() == before.keys()
        places = self.traffic.places
        there = await self.kinds_by_place()
        asked_for = {place for place, kind in there.items() if kind in OF_TILLS}
        tally = self.traffic.tally
        tally.lost += len(set(places) - there.keys())
        tally.doubled += len(asked_for - set(places)) + len(places) - len(set(places))
        assert (tally.lost, tally.doubled) == (0, 0)
        await self.is_clean()

    async def is_clean(self) -> None:
        """As `lepta verify --replay` sees it."""
        assert await asyncio.to_thread(asyncio.run, faults_of(self.owner)) == []

    async def kinds_by_place(self) -> dict[int, int]:
        """What kind of event is where in the log."""
        connection = await asyncpg.connect(**self.owner.arguments())
        try:
            rows = await connection.fetch("SELECT log_index, kind FROM event")
        finally:
            await connection.close()
        return {row["log_index"]: row["kind"] for row in rows}

    def report(self, line: str) -> None:
        """Shown with `-s`, and where a test fails."""
        sys.stdout.write(f"{line}\n")

    async def revive(self) -> None:
        """What looks after a PostgreSQL starts it again."""
        until = time.monotonic() + BACK_S
        while not await asyncio.to_thread(self._revived):
            assert time.monotonic() < until, "PostgreSQL does not come back"
            await asyncio.sleep(0.02)

    async def revive_if_dead(self) -> None:
        """It may have survived."""
        with suppress(PostgresUnavailable):
            await asyncio.to_thread(self.postgres.ensure_running)

    async def turned_away(self, times: int) -> None:
        """Wait until so many more tries were told to come again."""
        until = self.traffic.tally.told_to_come_again + times
        async with asyncio.timeout(BACK_S):
            while self.traffic.tally.told_to_come_again < until:  # noqa: ASYNC110 - told by nobody
                await asyncio.sleep(0.05)

    @contextmanager
    def full(self) -> Iterator[None]:
        """No room on the disk as long as the block lasts."""
        assert self.disk is not None
        filler = self.disk / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        try:
            yield
        finally:
            filler.unlink()

    def _revived(self) -> bool:
        try:
            return self.postgres.ensure_running()
        except PostgresUnavailable:
            return False


@asynccontextmanager
async def ground(
    postgres: EmbeddedServer,
    place: Path,
    seed: str,
    *,
    services: int = 1,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Ground]:
    """A new database with a shop in it, so many services on it, and nobody sending yet."""
    owner = Address.parse(
        postgres.dsn_for("postgres", f"lepta_{os.getpid()}_{time.monotonic_ns()}")
    )
    await say(Address.parse(postgres.dsn), f"CREATE DATABASE {owner.database}")
    await migrate(owner)
    async with AsyncExitStack() as stack:
        served: list[Served] = []
        for number in range(services):
            gateway = await stack.enter_async_context(Gateway(owner.to_serve()).open())
            served.append(await _started(gateway, place, number, settings or {}))
        made = await asyncio.to_thread(
            lepta, place, "keys", "create", "--role", "admin", "--database-url", owner.url()
        )
        assert made.returncode == 0, made.stderr
        key = made.stdout.strip()
        await asyncio.to_thread(open_shop, served[0].service.url, key, CARDS, (PLAY, LIMITED))
        traffic = Traffic(lambda: [each.service.url for each in served], key, seed)
        try:
            yield Ground(postgres, owner, served, traffic, random.Random(seed))
        finally:
            for each in served:
                each.service.process.kill()


async def _started(gateway: Gateway, place: Path, number: int, more: Mapping[str, str]) -> Served:
    address = gateway.address
    assert address.user == SERVICE_ROLE
    settings = {
        **SETTINGS,
        **more,
        "LEPTA_DATABASE_URL": address.url(),
        "LEPTA_DATA_DIR": str(place / "data"),
    }
    folder = place / f"service-{number}"
    folder.mkdir()
    service = await asyncio.to_thread(Service.started, folder, settings=settings)
    return Served(gateway, service)


async def _at(served: Served, step: str | None) -> Link:
    """The connection, stopped at that step."""
    assert step is not None
    async with asyncio.timeout(BACK_S):
        return await served.gateway.stop_at(STEPS[step])


async def service_killed(g: Ground, it: Served, step: str | None) -> None:
    """What it had sent is lost, or arrives after its death."""
    await _at(it, step)
    await asyncio.to_thread(it.service.end)
    if g.pick.random() < 0.5:
        it.gateway.go_on()
        await asyncio.sleep(0.1)
    it.gateway.cut()
    it.service = await asyncio.to_thread(it.service.again)


async def postmaster_killed(g: Ground, it: Served, step: str | None) -> None:
    """PostgreSQL's first process; the others notice and end."""
    await _at(it, step)
    os.kill(g.postgres.pid, signal.SIGKILL)
    it.gateway.go_on()
    await g.revive()


async def backend_killed(g: Ground, it: Served, step: str | None) -> None:
    """The process that works for the writer; PostgreSQL starts all its sessions anew."""
    link = await _at(it, step)
    os.kill(link.backend_pid, signal.SIGKILL)
    it.gateway.go_on()


async def connection_cut(g: Ground, it: Served, step: str | None) -> None:
    """At both ends; what was held is lost."""
    (await _at(it, step)).cut()


async def connection_silent(g: Ground, it: Served, step: str | None) -> None:
    """Neither end hears of the other again: each has to find out by itself."""
    (await _at(it, step)).silence()


async def connection_late(g: Ground, it: Served, step: str | None) -> None:
    """What is held arrives when the service has given up on it."""
    link = await _at(it, step)
    await asyncio.sleep(STATEMENT_S + 2.5)
    link.go_on()


async def database_stalled(g: Ground, it: Served, step: str | None) -> None:
    """For longer than tills are kept waiting: they are told in time to come again."""
    told = g.traffic.tally.told_to_come_again
    it.gateway.stall()
    await asyncio.sleep(ANSWER_S + 1.5)
    it.gateway.go_on()
    assert g.traffic.tally.told_to_come_again > told


async def queue_filled(g: Ground, it: Served, step: str | None) -> None:
    """The database takes its time, so that more waits than may."""
    it.gateway.commit_s = 0.3
    await g.turned_away(20)
    it.gateway.commit_s = 0.0


async def disk_filled(g: Ground, it: Served, step: str | None) -> None:
    """To the last block, until tills are told; then somebody makes room."""
    with g.full():
        await g.turned_away(8)
    await g.revive_if_dead()


async def disk_filled_for_long(g: Ground, it: Served, step: str | None) -> None:
    """Until PostgreSQL has ended: its write-ahead log has no room."""
    with g.full():
        async with asyncio.timeout(BACK_S):
            while alive({g.postgres.pid}):
                with suppress(OSError, asyncpg.PostgresError):
                    await say(g.owner, "SELECT pg_switch_wal()")
        await g.turned_away(8)
    await g.revive()


async def service_restarted(g: Ground, it: Served, step: str | None) -> None:
    """SIGTERM under load: what was taken is answered, or its till comes again."""
    await asyncio.to_thread(it.service.stop)
    it.service = await asyncio.to_thread(it.service.again)


async def service_frozen(g: Ground, it: Served, step: str | None) -> None:
    """It holds the head and does nothing; the others, if there are any, go on without it before it wakes."""
    await _at(it, step)
    it.service.process.send_signal(signal.SIGSTOP)
    try:
        it.gateway.go_on()
        if len(g.served) > 1:
            await g.traffic.more(within_s=BACK_S)
    finally:
        it.service.process.send_signal(signal.SIGCONT)


KINDS_OF_FAULT: dict[str, Callable[[Ground, Served, str | None], Awaitable[None]]] = {
    "service killed": service_killed,
    "postmaster killed": postmaster_killed,
    "backend killed": backend_killed,
    "connection cut": connection_cut,
    "connection silent": connection_silent,
    "connection late": connection_late,
    "database stalled": database_stalled,
    "queue filled": queue_filled,
    "disk filled": disk_filled,
    "disk filled for long": disk_filled_for_long,
    "service restarted": service_restarted,
    "service frozen": service_frozen,
}
AT_A_STEP = {
    "service killed", "postmaster killed", "backend killed", "connection cut", "connection silent", "connection late",
    "service frozen",
}  # fmt: skip
ANYWHERE = sorted({*AT_A_STEP, "database stalled", "service restarted"})
"""What needs nothing special of disk or queue."""


def drawn(pick: random.Random) -> Fault:
    """Any fault."""
    kind = pick.choice(ANYWHERE)
    return Fault(kind, pick.choice(list(STEPS)) if kind in AT_A_STEP else None)
