"""`lepta keys`: make, list and revoke keys in the database, with or without a running service."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import typer

from lepta.commands.opening import Opened, opened
from lepta.db import Database
from lepta.keys import service
from lepta.keys.store import Key
from lepta.settings import Settings

T = TypeVar("T")


def with_database(found: Opened, job: Callable[[Database], Awaitable[T]]) -> T:
    """Run `job` with a database of its own and close that afterwards."""

    async def run() -> T:
        db = Database(found.address, pool_size=2)
        try:
            return await job(db)
        finally:
            await db.close()

    return asyncio.run(run())


def create(
    settings: Settings, *, role: str, store: str | None, till: str | None, party: str | None
) -> None:
    """Print a new key, and nothing else."""
    with opened(settings) as found:
        made = with_database(
            found, lambda db: service.create(db, role, store=store, till=till, party=party)
        )
    typer.echo(made.token)


def show(settings: Settings) -> None:
    """Print a line for each key; times are UTC."""
    with opened(settings, create=False) as found:
        keys = with_database(found, service.listed)
    rows = [("ID", "ROLE", "OF", "MADE", "REVOKED"), *map(_row, keys)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(map(str.ljust, row, widths)).rstrip())


def _row(key: Key) -> tuple[str, ...]:
    of = "/".join(name for name in (key.party, key.store, key.till) if name)
    made, revoked = (
        f"{at:%Y-%m-%d %H:%M}" if at else "" for at in (key.created_at, key.revoked_at)
    )
    return key.id, key.role, of, made, revoked


def revoke(settings: Settings, key: str) -> None:
    """Revoke a key by its id, or by the whole key."""
    parts = key.split("_")
    key_id = parts[2] if len(parts) == 4 else key
    with opened(settings, create=False) as found:
        with_database(found, lambda db: service.revoke(db, key_id))
    typer.echo(f"{key_id} is revoked.")


@contextmanager
def temporary(settings: Settings, *, role: str) -> Iterator[str]:
    """A key that lasts as long as the block."""
    with opened(settings) as found:
        made = with_database(found, lambda db: service.create(db, role))
        try:
            yield made.token
        finally:
            with_database(found, lambda db: service.revoke(db, made.key.id))
