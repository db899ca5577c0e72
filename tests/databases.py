"""Databases that live as long as a test."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count

import asyncpg
from sqlalchemy import text

from lepta.db import Address, Database
from lepta.processing import sql

_numbers = count(1)


async def say(address: Address, *statements: str) -> None:
    """Run statements, each by itself, as whoever `address` names."""
    connection = await asyncpg.connect(**address.arguments(), timeout=10)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def fresh(server: Address, template: str) -> Iterator[str]:
    """A copy of the template for as long as the block lasts: its name."""
    name = f"lepta_test_{os.getpid()}_{next(_numbers)}"
    asyncio.run(say(server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield name
    asyncio.run(say(server, f"DROP DATABASE {name} WITH (FORCE)"))


@asynccontextmanager
async def held_head(shop: Address) -> AsyncIterator[None]:
    """As if another process were writing: the writer's turn comes at the end."""
    database = Database(shop)
    async with database.begin() as tx:
        await tx.execute(text(sql.WAIT_FOR_HEAD.replace("$1", "0")))
        yield
    await database.close()
