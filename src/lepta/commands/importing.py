"""`lepta import`: CSV files, through the same models as the office's API, many rows a transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import typer
from pydantic import TypeAdapter, ValidationError

from lepta.channels.office.schemas import Id, MemberBody, ProductBody, StoreBody
from lepta.commands.opening import Opened, opened
from lepta.commands.progress import bar
from lepta.db import Database
from lepta.errors import DomainError
from lepta.http.fields import Opaque
from lepta.http.problems import invalid_request
from lepta.imports import Fault, Row, read
from lepta.members import service as members
from lepta.parties import service as parties
from lepta.products import service as products
from lepta.revisions import Always
from lepta.settings import Settings

ROWS_AT_ONCE = 500
BODIES: dict[str, type[MemberBody | ProductBody | StoreBody]] = {
    "members": MemberBody,
    "products": ProductBody,
    "stores": StoreBody,
}
IDS: dict[str, TypeAdapter[str]] = {
    "members": TypeAdapter(Id),
    "products": TypeAdapter(Opaque),
    "stores": TypeAdapter(Id),
}
Put = Callable[[Database, Sequence[Any]], Awaitable[object]]


async def _put_stores(db: Database, records: Sequence[Any]) -> None:
    """Stores are few: a transaction each."""
    for record in records:
        await parties.put_store(db, record, Always())


PUTS: dict[str, Put] = {
    "members": members.put_all,
    "products": products.put_all,
    "stores": _put_stores,
}


@dataclass(slots=True)
class Result:
    """What became of the file's rows."""

    stored: int = 0
    faults: list[Fault] = field(default_factory=list)


def run(kind: str, settings: Settings, file: Path) -> int:
    """Import `file`, whatever is stored under its ids; 1 if a row was refused, the others are stored."""
    with opened(settings) as found:
        result = asyncio.run(_import(kind, found, file))
    for line, reason in sorted(result.faults):
        typer.echo(f"{file.name}, line {line}: {reason}", err=True)
    typer.echo(f"{result.stored} {kind} imported, {len(result.faults)} rows refused")
    return 1 if result.faults else 0


async def _import(kind: str, found: Opened, file: Path) -> Result:
    with file.open("rb") as counted:
        total = sum(1 for _ in counted)
    result = Result()
    database = Database(found.address, pool_size=2)
    try:
        with bar() as progress, file.open(encoding="utf-8", newline="") as text:
            task = progress.add_task(file.name, total=max(0, total - 1))
            rows = read(kind, text)
            while part := list(islice(rows, ROWS_AT_ONCE)):
                await _store(kind, database, part, result)
                progress.advance(task, len(part))
    except UnicodeDecodeError as error:
        result.faults.append(Fault(0, f"this is not UTF-8: {error.reason}; the rest was not read"))
    finally:
        await database.close()
    return result


async def _store(
    kind: str, database: Database, part: Sequence[Row | Fault], result: Result
) -> None:
    """Store these rows together; if one of them is refused, each alone, so that only that one is left out."""
    records = list(_checked(kind, part, result.faults))
    try:
        await PUTS[kind](database, [record for _, record in records])
        result.stored += len(records)
    except DomainError:
        for line, record in records:
            try:
                await PUTS[kind](database, [record])
                result.stored += 1
            except DomainError as error:
                result.faults.append(Fault(line, _said(error)))


def _checked(
    kind: str, part: Sequence[Row | Fault], faults: list[Fault]
) -> Iterator[tuple[int, Any]]:
    """(line, record) of the rows that the office's API would take."""
    for row in part:
        if isinstance(row, Fault):
            faults.append(row)
            continue
        try:
            id_ = IDS[kind].validate_python(row.id)
            body = BODIES[kind].model_validate_json(orjson.dumps(row.document))
        except ValidationError as error:
            faults.append(Fault(row.line, _places(error)))
            continue
        yield row.line, body.to_record(id_)


def _places(error: ValidationError) -> str:
    """In the words of the office's API."""
    places = invalid_request(error.errors()[:3]).members["errors"]
    return "; ".join(f"{place['path'] or 'id'}: {place['reason']}" for place in places)


def _said(error: DomainError) -> str:
    """The places of the faults where the refusal names them; else what it says, with the card it names."""
    if places := error.members.get("errors"):
        return "; ".join(f"{place['path']}: {place['reason']}" for place in places)
    card = error.members.get("card")
    return f"{error} ({card})" if card else str(error)
