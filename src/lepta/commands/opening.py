"""The one place that turns `--database-url` and `--data-dir` into a database that is ready for use."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from lepta.commands.faults import in_line
from lepta.db import SERVICE_ROLE, Address
from lepta.errors import DomainError, Kind
from lepta.postgres.embedded import own, share
from lepta.postgres.home import Home, default_data_dir
from lepta.postgres.server import EmbeddedServer
from lepta.settings import Settings

DATABASE = "lepta"


class Unusable(DomainError):
    """The database cannot be used as it is."""

    code = "database-unusable"
    kind = Kind.BUSY


@dataclass(frozen=True, slots=True)
class Opened:
    """A database with the current schema, for as long as the block that opened it lasts."""

    address: Address
    """As whom all but migrations work there: an embedded one's service role, else the URL's user."""
    settings: Settings
    """The same, as the service reads it: `database_url` and `data_dir` are filled in."""
    shown: str
    """Which database it is and where, for people."""
    server: EmbeddedServer | None
    """The embedded server, where it is one."""


def settings_of(database_url: str | None, data_dir: Path | None) -> Settings:
    """The environment's settings, overruled by the command line. Raises `Unusable` for both options at once."""
    if database_url and data_dir:
        raise Unusable(
            "Give --database-url or --data-dir, not both: one says where the other's is."
        )
    settings = Settings()
    if database_url:
        return settings.model_copy(update={"database_url": database_url})
    if data_dir:
        return settings.model_copy(update={"database_url": None, "data_dir": data_dir})
    return settings


@contextmanager
def opened(
    settings: Settings, *, to_serve: bool = False, migrate: bool = True, create: bool = True
) -> Iterator[Opened]:
    """Open the database of `settings`.

    An embedded one is started if nobody runs it, shared otherwise (`to_serve`: owned alone), and brought to
    the current schema; where there is none it is made, or refused unless `create`. One by URL is used as it is; an old schema is refused unless `migrate` is False.
    """
    data_dir = settings.data_dir or default_data_dir()
    if settings.database_url:
        with _by_url(settings, data_dir, check=migrate) as found:
            yield found
        return
    if not create and not Home(data_dir).cluster.is_dir():
        raise Unusable(f"{data_dir} holds no Lepta database. Check --data-dir or LEPTA_DATA_DIR.")
    door = own if to_serve else share
    with door(data_dir, settings.postgres_bin) as server:
        owner = Address.parse(server.dsn_for("postgres", DATABASE))
        asyncio.run(_prepare(server, owner))
        address = owner.to_serve()
        shown = f"embedded PostgreSQL {server.version} in {server.data_dir}"
        yield Opened(address, _filled(settings, address, server.data_dir), shown, server)


def _filled(settings: Settings, address: Address, data_dir: Path) -> Settings:
    return settings.model_copy(update={"database_url": address.url(), "data_dir": data_dir})


@contextmanager
def _by_url(settings: Settings, data_dir: Path, *, check: bool) -> Iterator[Opened]:
    assert settings.database_url is not None
    try:
        address = Address.parse(settings.database_url)
    except ValueError as error:
        raise Unusable(f"The database URL cannot be read: {error}.") from error
    version, current = asyncio.run(_look(address, to_work=check))
    if check and not current:
        raise Unusable(
            f"The database {address.shown()} does not have this version's schema. "
            "Run `lepta migrate` with the same --database-url, as the owner of its tables."
        )
    shown = f"PostgreSQL {version} at {address.shown()}"
    yield Opened(address, _filled(settings, address, data_dir), shown, None)


async def _connect(address: Address) -> Any:
    try:
        return await asyncpg.connect(**address.arguments(), timeout=10)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unusable(
            f"{address.shown()} does not let us in ({in_line(error)}). Check --database-url and that it runs."
        ) from error


async def _look(address: Address, *, to_work: bool = False) -> tuple[str, bool]:
    """The server's version, and whether the schema is there and current.

    `to_work`: raises `Unusable` where there is a schema that the address's user may not work on.
    """
    from lepta.schema import newest

    connection = await _connect(address)
    try:
        version = await connection.fetchval("SHOW server_version")
        if not await connection.fetchval("SELECT to_regclass('public.schema_version') IS NOT NULL"):
            return str(version), False
        if to_work:
            await _take_role(connection, address)
        revision = await connection.fetchval("SELECT version_num FROM schema_version")
        return str(version), revision == newest()
    finally:
        await connection.close()


async def _take_role(connection: Any, address: Address) -> None:
    try:
        await connection.execute(f"SET ROLE {SERVICE_ROLE}")
    except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError) as error:
        raise Unusable(
            f"{address.user} may not act as {SERVICE_ROLE} ({in_line(error)}). Use {address.to_serve().shown()}, "
            f'or have a superuser say: GRANT {SERVICE_ROLE} TO "{address.user}".'
        ) from error


async def _prepare(server: EmbeddedServer, address: Address) -> None:
    """Create the embedded database where it is missing, and bring its schema up to date."""
    from lepta.schema import migrate

    connection = await asyncpg.connect(**server.connect_arguments, timeout=30)
    try:
        exists = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
        if not await connection.fetchval(exists, DATABASE):
            # Another command may be faster.
            with suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await connection.close()
    _, current = await _look(address)
    if not current:
        await migrate(address)
