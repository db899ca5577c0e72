"""Shops for tests of the write path. What a test has written is verified when it ends."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from databases import fresh
from lepta.db import Address
from shops import open_shop


@pytest.fixture
def shop(owner: Address) -> Address:
    """A fresh database with the founding example's shop in it."""
    asyncio.run(open_shop(owner))
    return owner


@pytest.fixture
def other_shop(server: Address, template: str) -> Iterator[Address]:
    """Another one, just like it."""
    with fresh(server, template) as name:
        owner = replace(server, database=name)
        asyncio.run(open_shop(owner))
        yield owner
