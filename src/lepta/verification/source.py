"""Where verification and back-tests read: one unchanging view of the database, shared by every process that takes part."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from lepta.db import SERVICE_ROLE, Address

SHARD = 0
"""The only shard so far."""

SETTINGS = {
    "role": SERVICE_ROLE,
    "timezone": "UTC",
    "statement_timeout": "0",
    "jit": "off",
    # A range of the log is read along its key, whatever the statistics say of a table that has just grown.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
}
COPY_HEADER, COPY_TRAILER = 19, 2
"""Bytes before the first and after the last row of PostgreSQL's binary COPY."""
FETCHED = 4_096


@asynccontextmanager
async def view(
    address: Address, snapshot: str | None = None, *, name: str = "lepta verify"
) -> AsyncIterator[asyncpg.Connection]:
    """A read-only connection that sees the database as it is now, or as `snapshot` does; `name` is for its operator."""
    settings = {**SETTINGS, "application_name": name}
    connection = await asyncpg.connect(
        **address.arguments(), server_settings=settings, timeout=30, command_timeout=None
    )
    try:
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if snapshot is not None:
            assert all(c.isalnum() or c == "-" for c in snapshot), snapshot
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        yield connection
    finally:
        await connection.close(timeout=10)


async def copied(connection: asyncpg.Connection, query: str, *arguments: Any) -> bytes:
    """The rows of a query in the binary form in which the server sends them, one after another."""
    received: list[bytes] = []

    async def take(data: bytes) -> None:
        received.append(data)

    await connection.copy_from_query(query, *arguments, output=take, format="binary")
    return b"".join(received)[COPY_HEADER:-COPY_TRAILER]


async def batches(
    connection: asyncpg.Connection, query: str, *arguments: Any
) -> AsyncIterator[list[asyncpg.Record]]:
    """The rows of a query, some thousand at a time."""
    cursor = await connection.cursor(query, *arguments)
    while rows := await cursor.fetch(FETCHED):
        yield rows


@asynccontextmanager
async def scanning(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """While whole tables are read, reading them from end to end is best."""
    await connection.execute("SET LOCAL enable_seqscan = on")
    try:
        yield
    finally:
        await connection.execute("SET LOCAL enable_seqscan = off")
