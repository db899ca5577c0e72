"""Real databases for tests: each test has one of its own, on the embedded server and on one by URL where there is one.

A migrated template is made once a server and process; a test's database is a copy of it. Fixtures here need no
network beyond this machine; `LEPTA_TEST_DATABASE_URL` names the second server, by default postgres@127.0.0.1:5432.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path

import asyncpg
import httpx
import hypothesis
import pytest
from fastapi import FastAPI

from databases import fresh, say
from lepta.db import Address, Database
from lepta.keys import service as keys
from lepta.main import create_app
from lepta.postgres.embedded import own
from lepta.runtime import Runtime
from lepta.schema import migrate
from lepta.settings import Settings
from lepta.verification.verify import faults
from shops import open_shop

pytest_plugins = ["edge_table", "fault_summary", "summaries"]

# On a busy machine an example may take long: that says nothing about the code.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

DEFAULT_URL = "postgresql://postgres@127.0.0.1:5432/postgres"
numbers = count(1)

ClientFor = Callable[..., Awaitable[httpx.AsyncClient]]
"""`await client_for("till", store="nsk-07", till="3")`: a client with a new key of that role."""


LONG = ("faults", "model")
"""Folders whose single tests take many seconds: they begin first, so that no process waits for one at the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first; otherwise the order stays."""
    items.sort(key=lambda item: item.path.parent.name not in LONG)


def _reachable() -> Address | None:
    """The second server, None where there is none. One that was named must be there."""
    url = os.environ.get("LEPTA_TEST_DATABASE_URL")
    address = Address.parse(url or DEFAULT_URL)
    try:
        asyncio.run(say(address, "SELECT 1"))
    except (OSError, asyncpg.PostgresError):
        if url:
            raise
        return None
    return address


@pytest.fixture(scope="session", params=["embedded", "server"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Address]:
    """A PostgreSQL, as its superuser."""
    if request.param == "server":
        found = _reachable()
        if found is None:
            pytest.skip("no PostgreSQL at 127.0.0.1:5432; name one in LEPTA_TEST_DATABASE_URL")
        yield found
        return
    with own(tmp_path_factory.mktemp("embedded")) as embedded:
        yield Address.parse(embedded.dsn)


@pytest.fixture(scope="session")
def template(server: Address) -> Iterator[str]:
    """A migrated database that nobody is connected to."""
    name = f"lepta_template_{os.getpid()}_{next(numbers)}"

    async def make() -> None:
        await say(server, f"CREATE DATABASE {name}")
        await migrate(replace(server, database=name))

    asyncio.run(make())
    yield name
    asyncio.run(say(server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def owner(server: Address, template: str) -> Iterator[Address]:
    """A fresh migrated database, as the owner of its tables. What a test has written there is verified at its end."""
    with fresh(server, template) as name:
        address = replace(server, database=name)
        yield address
        assert asyncio.run(faults(address)) == []


@pytest.fixture
def shop(owner: Address) -> Address:
    """A fresh database with the founding example's shop in it."""
    asyncio.run(open_shop(owner))
    return owner


@pytest.fixture
def other_shop(server: Address, template: str) -> Iterator[Address]:
    """Another one, just like it."""
    with fresh(server, template) as name:
        other = replace(server, database=name)
        asyncio.run(open_shop(other))
        yield other


@pytest.fixture
async def db(owner: Address) -> AsyncIterator[Database]:
    """The service's way to that database."""
    database = Database(owner, pool_size=4)
    yield database
    await database.close()


@pytest.fixture
def settings(owner: Address, tmp_path: Path) -> Settings:
    """Settings of a service on that database; a test changes them with `model_copy`. No lot ends by today's date."""
    return Settings(
        database_url=owner.url(), data_dir=tmp_path, database_pool_size=6, lot_days_every_s=0
    )


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The whole service, running."""
    made = create_app(settings)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
def running(app: FastAPI) -> Runtime:
    """The parts of that service."""
    found: Runtime = app.state.runtime
    return found


@pytest.fixture
async def client_for(app: FastAPI, running: Runtime) -> AsyncIterator[ClientFor]:
    """Makes clients, each with a key of its own; without a role: a client without a key."""
    async with AsyncExitStack() as stack:

        async def client(role: str | None = None, **scope: str) -> httpx.AsyncClient:
            headers = {}
            if role is not None:
                made = await keys.create(running.database, role, **scope)
                headers["Authorization"] = f"Bearer {made.token}"
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            found = httpx.AsyncClient(
                transport=transport, base_url="http://lepta.test", headers=headers
            )
            return await stack.enter_async_context(found)

        yield client


@pytest.fixture
async def admin(client_for: ClientFor) -> httpx.AsyncClient:
    """A client that may do everything."""
    return await client_for("admin")
