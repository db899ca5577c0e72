"""Bringing a database to the current schema, and telling whether it is there. Runs as the tables' owner."""

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from lepta.db import Address, Tx

# Two commands that migrate at once take turns.
MIGRATION_LOCK = 0x6C65707461


def migrations_dir() -> Path:
    """The migrations travel inside the wheel; a checkout has them at its top level."""
    package = Path(str(files("lepta")))
    packed = package / "migrations"
    return packed if packed.is_dir() else package.parents[1] / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    return config


def newest() -> str:
    """The revision this code works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def migrate(owner: Address) -> None:
    """Bring the database at `owner` to the newest revision; nothing happens where it is there already."""
    engine = create_async_engine(owner.url())
    try:
        async with engine.begin() as connection:
            lock = text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=MIGRATION_LOCK)
            await connection.execute(lock)
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def is_current(tx: Tx) -> bool:
    """Whether the database has the revision this code works with."""
    exists = await tx.scalar(text("SELECT to_regclass('public.schema_version') IS NOT NULL"))
    if not exists:
        return False
    found: str | None = await tx.scalar(text("SELECT version_num FROM schema_version"))
    return found == newest()
