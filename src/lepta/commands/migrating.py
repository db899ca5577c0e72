"""`lepta migrate`."""

import asyncio

import typer

from lepta.commands.opening import opened
from lepta.schema import migrate as bring_up_to_date
from lepta.schema import newest
from lepta.settings import Settings


def migrate(settings: Settings) -> None:
    """Bring the database of `settings` to the newest revision; doing it twice is harmless."""
    with opened(settings, migrate=False) as found:
        if found.server is None:  # an embedded database has been migrated by being opened
            asyncio.run(bring_up_to_date(found.address))
        typer.echo(f"{found.shown}: schema {newest()}")
