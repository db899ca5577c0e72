"""`lepta expire`: tell the programmes a day of their lots now, whatever the service's own rounds do."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime

import typer
from rich.console import Console
from rich.table import Table

from lepta.commands.opening import Opened, opened
from lepta.commands.progress import bar
from lepta.db import Database
from lepta.due import service, store
from lepta.due.service import DayAhead, Told
from lepta.runtime import writing
from lepta.settings import Settings


def expire(settings: Settings, on: date | None, *, dry_run: bool) -> int:
    """Tell the day `on`, else the newest that has begun in all stores of each programme; 1 if a member's lots failed.

    Works beside a running service. Raises `DayAhead` for a day that has not begun, unless it is only looked ahead.
    """
    with opened(settings) as found:
        told = asyncio.run(_run(found, on, dry_run=dry_run))
    _show(told, dry_run=dry_run)
    failed = sum(each.failed for each in told)
    if failed:
        typer.echo(
            f"{failed} tries failed; the service's log says why. Run it again: nothing counts twice.",
            err=True,
        )
    return 1 if failed else 0


async def _run(found: Opened, on: date | None, *, dry_run: bool) -> list[Told]:
    database = Database(found.address, pool_size=2)
    try:
        begun = await service.begun(database, datetime.now(UTC))
        days = {programme: on or newest for programme, newest in begun.items()}
        if not dry_run:
            for programme, newest in begun.items():
                if days[programme] > newest:
                    raise DayAhead(programme, days[programme], newest)
        due = [await _due(database, programme, day) for programme, day in days.items()]
        return due if dry_run else await _tell(database, found.settings, due)
    finally:
        await database.close()


async def _due(database: Database, programme: str, on: date) -> Told:
    async with database.read() as tx:
        return Told(programme, on, *await store.sums(tx, programme, on))


async def _tell(database: Database, settings: Settings, due: list[Told]) -> list[Told]:
    async with writing(database, settings) as writer:
        with bar() as progress:
            told = []
            for each in due:
                task = progress.add_task(each.programme, total=each.members)
                advance: Callable[[int], None] = lambda n, task=task: progress.advance(task, n)  # type: ignore[misc]  # noqa: E731
                told.append(
                    await service.tell(
                        database, writer, Told(each.programme, each.on),
                        at_once=settings.lot_days_at_once, advance=advance,
                    )
                )  # fmt: skip
    return told


def _show(told: list[Told], *, dry_run: bool) -> None:
    matures, expires = ("matures", "expires") if dry_run else ("matured", "expired")
    table = Table("programme", "day", box=None, padding=(0, 2, 0, 0))
    for name in ("members", matures, expires):
        table.add_column(name, justify="right")
    for each in told:
        counts = (each.members, each.matured, each.expired)
        table.add_row(each.programme, each.on.isoformat(), *(f"{count:,}" for count in counts))
    Console(highlight=False, soft_wrap=True).print(table)
