"""`lepta campaigns simulate`."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import typer
from rich.console import Console, RenderableType
from rich.table import Table

from lepta.commands.applying import refuse_twice
from lepta.commands.documents import Written, WrongFile, read
from lepta.commands.opening import opened
from lepta.commands.progress import bar
from lepta.errors import InvalidRequest
from lepta.rules.explanation import money
from lepta.settings import Settings
from lepta.simulation.plan import read_span
from lepta.simulation.report import Report
from lepta.simulation.simulate import simulate

SHOWN = 10
"""Products and days in a table; the JSON has them all."""

Json = dict[str, Any]


def run(settings: Settings, files: Sequence[Path], first: date, last: date, *, json: bool) -> None:
    """Try all documents of all files together on the receipts of these business days, and show what they give."""
    span = read_span(first, last)
    written = [one for file in files for one in read(file)]
    if not written:
        raise WrongFile(f"No campaign stands in {', '.join(map(str, files))}: add one.")
    refuse_twice(written)
    with opened(settings, create=False) as found, bar() as progress:
        task = progress.add_task("Simulating", total=None)
        done = simulate(
            found.address,
            [one.document for one in written],
            span,
            progress=lambda done, size: progress.update(task, completed=done, total=size),
        )
        try:
            report = asyncio.run(done)
        except InvalidRequest as refusal:
            raise WrongFile(_by_file(refusal, written)) from refusal
    if json:
        typer.echo(orjson.dumps(report.document, option=orjson.OPT_INDENT_2).decode())
        return
    _show(report)


def _by_file(refusal: InvalidRequest, written: Sequence[Written]) -> str:
    """The faults, each with its file and line."""
    lines = ["Nothing was simulated."]
    for error in refusal.members["errors"]:
        _, number, *parts = error["path"].split(".")
        path = ".".join(parts)
        lines.append(f"{written[int(number)].place(path)}: {path or 'document'}: {error['reason']}")
    return "\n".join(lines)


def _show(report: Report) -> None:
    console, document = Console(highlight=False, soft_wrap=True), report.document
    looked_at, touched = document["receipts"]["looked_at"], document["receipts"]["touched"]
    console.print(
        f"{document['from']} to {document['to']}: {looked_at} receipts, {touched} of them touched, "
        f"{document['members']} members; {report.events} events in {report.seconds:.1f} s "
        f"({report.events / max(report.seconds, 1e-9):.0f}/s)\n"
    )
    if unknown := document["receipts"]["unknown"]:
        console.print(
            f"{unknown} receipts do not say when their member joined or has their birthday; nothing is given there.\n"
        )
    for campaign in document["campaigns"]:
        for part in _parts(campaign):
            console.print(part)
        console.print()
    if document["others"]:
        rows = [(o["campaign"], *_signed(o, document)) for o in document["others"]]
        console.print(_table("What others give then", ("campaign", *_FIGURES), rows))


_FIGURES = ("receipts", "points", "money")


def _parts(campaign: Json) -> Iterator[RenderableType]:
    currency = campaign["currency"]
    yield f"[bold]{campaign['campaign']}[/]: {_summed_up(campaign)}"
    if campaign["funders"]:
        yield _table(
            "Who pays",
            ("party", "points", "money", "cost"),
            [
                (f["party"], f["points"], money(f["money"], currency), money(f["cost"], currency))
                for f in campaign["funders"]
            ],
        )
    if campaign["funds"]:
        yield _table("Who gets it", ("fund", *_FIGURES), _rows(campaign, "funds", "fund"))
    if campaign["limits"]:
        yield _table(
            "Limits",
            ("limit", "cap", "used", "left", "days left", "exhausted"),
            [_limit(limit, currency) for limit in campaign["limits"]],
        )
    if campaign["products"]:
        rows = _rows(campaign, "products", "sku")
        yield _table("Products", ("sku", *_FIGURES), rows[:SHOWN], len(rows) - SHOWN)
    if campaign["days"]:
        rows = _rows(campaign, "days", "day")
        yield _table("Days", ("day", *_FIGURES), rows[:SHOWN], len(rows) - SHOWN)
    if campaign["why"]:
        reasons = [
            (f"{'' if w['fired'] else 'not: '}{w['code']}", w["receipts"]) for w in campaign["why"]
        ]
        yield _table("Why", ("reason", "receipts"), reasons)


def _summed_up(campaign: Json) -> str:
    currency, offers = campaign["currency"], campaign["offers"]
    said = (
        f"{campaign['receipts']} receipts, {campaign['members']} members, {campaign['points']} points, "
        f"{money(campaign['money'], currency)}; it costs {money(campaign['cost'], currency)}"
    )
    if offers["receipts"]:
        said += f"; offered on {offers['receipts']} receipts: {money(offers['money'], currency)}"
    if "replaces" in campaign:
        was = campaign["replaces"]
        said += (
            f"\nAs published it gave on {was['receipts']} receipts "
            f"{was['points']} points and {money(was['money'], currency)}."
        )
    return said


def _rows(campaign: Json, table: str, name: str) -> list[tuple[Any, ...]]:
    currency = campaign["currency"]
    return [
        (row[name], row["receipts"], row["points"], money(row["money"], currency))
        for row in campaign[table]
    ]


def _limit(limit: Json, currency: str) -> tuple[Any, ...]:
    is_money = limit["of"] == "money"
    name = " ".join(part for part in (limit["limit"], limit["party"], limit["of"]) if part)
    figures = [
        money(limit[part], currency) if is_money else limit[part]
        for part in ("cap", "used", "left")
    ]
    days = "-" if limit["days_left"] is None else limit["days_left"]
    return name, *figures, days, limit["exhausted_on"] or "-"


def _signed(other: Json, document: Json) -> tuple[str, ...]:
    currency = document["campaigns"][0]["currency"]
    amount = money(abs(other["money"]), currency)
    sign = "-" if other["money"] < 0 else "+"
    return f"{other['receipts']:+}", f"{other['points']:+}", f"{sign}{amount}"


def _table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], more: int = 0
) -> Table:
    """The first column is a name, the others are figures."""
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for n, column in enumerate(columns):
        table.add_column(column, justify="right" if n else "left")
    for row in rows:
        table.add_row(*map(str, row))
    if more > 0:
        table.caption = f"and {more} more: see --json"
        table.caption_justify = "left"
    return table
