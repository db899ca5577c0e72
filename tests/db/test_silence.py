"""A database that stops talking while its connections stand: whoever asks it is told in bounded time."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from gateway import Gateway
from lepta import db
from lepta.db import Address, Database

ONE = text("SELECT 1")


@pytest.fixture
async def gateway(owner: Address) -> AsyncIterator[Gateway]:
    async with Gateway(owner.to_serve()).open() as opened:
        yield opened


@pytest.fixture
async def database(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """One connection; it waits half a second for an answer."""
    monkeypatch.setattr(db, "SILENCE_S", 0.3)
    made = Database(gateway.address, pool_size=1, statement_timeout_ms=200)
    yield made
    gateway.go_on()
    await made.close()


async def test_a_reader_is_told_and_the_next_one_gets_another_connection(
    gateway: Gateway, database: Database
) -> None:
    for _ in range(2):
        async with database.read() as tx:
            assert await tx.scalar(ONE) == 1
            gateway.stall()
            with pytest.raises(TimeoutError):
                await tx.scalar(ONE)
            gateway.go_on()
    async with database.read() as tx:
        assert await tx.scalar(ONE) == 1


@pytest.mark.parametrize("committing", [False, True])
async def test_a_transaction_that_is_not_answered_is_an_error_and_its_connection_is_left(
    gateway: Gateway, database: Database, committing: bool
) -> None:
    async def change() -> None:
        async with database.begin() as tx:
            await tx.execute(ONE)
            gateway.stall()
            if not committing:
                await tx.execute(ONE)

    async with asyncio.timeout(15):
        with pytest.raises(TimeoutError):
            await change()
        gateway.cut()
        gateway.go_on()
        async with database.begin() as tx:
            assert await tx.scalar(ONE) == 1


async def test_who_gives_up_first_does_not_wait_for_the_database(
    gateway: Gateway, database: Database
) -> None:
    async with asyncio.timeout(15), database.read() as tx:
        gateway.stall()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await tx.scalar(ONE)


async def test_postgresql_puts_out_a_writer_that_says_nothing_but_nobody_who_waits_for_others(
    gateway: Gateway,
) -> None:
    made = Database(gateway.address, statement_timeout_ms=700)
    writer = await made.writer_connection()
    idle = "SHOW idle_in_transaction_session_timeout"
    async with made.read() as tx:
        assert await tx.scalar(text(idle)) == "0"
    assert await writer.fetchval(idle) == "2100ms"
    assert await writer.fetchval("SHOW tcp_keepalives_idle") in {"0", "10"}  # 0: a unix socket's
    writer.terminate()
    await made.close()
