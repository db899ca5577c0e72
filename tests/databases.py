"""Databases that live as long as a test."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import asyncpg

from lepta.db import Address

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
