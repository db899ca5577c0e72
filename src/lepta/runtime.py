"""The running service: its parts, wired once, started and stopped together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from lepta.campaigns.service import Publisher
from lepta.db import Address, Database
from lepta.due import holds
from lepta.due.rounds import by_the_clock
from lepta.keys.service import KeyRing
from lepta.postgres.home import default_data_dir
from lepta.processing.decide import Published
from lepta.processing.directory import Directory
from lepta.processing.events import Publish
from lepta.processing.recognition import Refused
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from lepta.settings import Settings
from lepta.simulation.service import Simulations
from lepta.witness.service import Witness

CLOSE_S = 3.0
"""How long giving connections back may take; by then everything is written."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What endpoints work with."""

    settings: Settings
    database: Database
    keys: KeyRing
    directory: Directory
    rulebooks: Rulebooks
    writer: Writer
    publisher: Publisher
    witness: Witness
    simulations: Simulations


def publisher_of(database: Database, writer: Writer) -> Publisher:
    """Programmes and campaigns, published by way of `writer`, which must have been started."""

    async def record(change: bytes) -> bytes:
        decision = (await writer.submit(Submission(Publish(change)))).decision
        if isinstance(decision, Refused):
            raise decision.error
        assert isinstance(decision, Published), decision
        return decision.rulebook.digest

    return Publisher(database, record, lambda: writer.rulebooks.newest, lambda: datetime.now(UTC))


@asynccontextmanager
async def writing(database: Database, settings: Settings) -> AsyncIterator[Writer]:
    """A writer that takes events for as long as the block lasts, and writes all it took before it ends."""
    writer = Writer(
        database,
        Directory(),
        Rulebooks(),
        queue_size=settings.queue_size,
        batch_size=settings.batch_size,
        answer_timeout_s=settings.answer_timeout_s,
        queue_wait_s=settings.queue_wait_s,
    )
    await writer.start()
    try:
        yield writer
    finally:
        await writer.stop()


def _witness(database: Database, settings: Settings) -> AbstractAsyncContextManager[Witness]:
    key_file = settings.signing_key_file or (settings.data_dir or default_data_dir()) / "log.key"
    return Witness.opened(database, key_file, settings.log_origin, settings.checkpoint_every_s)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Runtime]:
    """The service on the database that `settings.database_url` names, which has the current schema."""
    assert settings.database_url is not None, "the caller finds or starts the database"
    database = Database(
        Address.parse(settings.database_url),
        pool_size=settings.database_pool_size,
        statement_timeout_ms=settings.statement_timeout_ms,
    )
    keys = KeyRing(database)
    try:
        # The writer ends first, so that the last checkpoint covers all it wrote.
        async with (
            _witness(database, settings) as witness,
            writing(database, settings) as writer,
            by_the_clock(database, writer, settings.lot_days_every_s, settings.lot_days_at_once),
            holds.by_the_clock(database, writer, settings.holds_every_s),
        ):
            publisher = publisher_of(database, writer)
            await publisher.catch_up()
            yield Runtime(
                settings=settings,
                database=database,
                keys=keys,
                directory=writer.directory,
                rulebooks=writer.rulebooks,
                writer=writer,
                publisher=publisher,
                witness=witness,
                simulations=Simulations(database.address, settings.simulation_limit_s),
            )
    finally:
        # A database that does not answer must not keep a stopping service alive.
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await keys.close()
                await database.close()
