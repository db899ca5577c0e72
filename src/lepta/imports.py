"""CSV files of members, products and stores, read into the documents that the office's API takes. Pure.

UTF-8, with or without a byte order mark; comma, semicolon or tab, as the header line has it. A cell left empty
means: not given. Names come as one column, or as one a language (`name_ru`, `name_en`).
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TextIO

from lepta.errors import DomainError
from lepta.names import LANGUAGES

Document = dict[str, Any]


class WrongColumns(DomainError):
    """The file's header is not one that can be imported."""

    code = "wrong-columns"


class Row(NamedTuple):
    """One record of the file: the line it ends on, its id and what it says."""

    line: int
    id: str
    document: Document


class Fault(NamedTuple):
    """A record that cannot be used, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file of one kind holds."""

    id_column: str
    columns: frozenset[str]
    required: frozenset[str]
    document: Callable[[dict[str, str]], Document]


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _named(cells: dict[str, str]) -> Document:
    """The name, whichever columns say it: {} if none does."""
    by_language = {
        language: cells[f"name_{language}"] for language in LANGUAGES if f"name_{language}" in cells
    }
    if by_language:
        return {"name": by_language}
    return {"name": cells["name"]} if "name" in cells else {}


def _plain(cells: dict[str, str], *columns: str) -> Document:
    return {column: cells[column] for column in columns if column in cells}


_MEMBER_TEXTS = (
    "first_name", "last_name", "gender", "language", "phone", "email", "birthday", "tier", "joined_on",
)  # fmt: skip


def _member(cells: dict[str, str]) -> Document:
    lists: Document = {c: _words(cells[c]) for c in ("cards", "segments") if c in cells}
    return {**_plain(cells, *_MEMBER_TEXTS), **lists}


def _product(cells: dict[str, str]) -> Document:
    lists = {"categories": _words(cells["categories"])} if "categories" in cells else {}
    return {**_named(cells), **lists, **_plain(cells, "brand")}


def _store(cells: dict[str, str]) -> Document:
    texts = ("retailer", "region", "time_zone", "currency", "language", "programme")
    return {**_named(cells), **_plain(cells, *texts)}


_NAMES = frozenset({"name", "name_ru", "name_en"})

KINDS = {
    "members": Kind(
        "id",
        frozenset({"id", "cards", "segments", *_MEMBER_TEXTS}),
        frozenset({"id"}),
        _member,
    ),
    "products": Kind("sku", _NAMES | {"sku", "categories", "brand"}, frozenset({"sku"}), _product),
    "stores": Kind(
        "id",
        _NAMES | {"id", "retailer", "region", "time_zone", "currency", "language", "programme"},
        frozenset({"id", "retailer", "time_zone"}),
        _store,
    ),
}


def read(kind: str, file: TextIO) -> Iterator[Row | Fault]:
    """The records of `file`, which was opened with `newline=""`; raises `WrongColumns` for its header."""
    wanted = KINDS[kind]
    start = file.readline()
    header = start.removeprefix("\ufeff").rstrip("\r\n")
    delimiter = max(",;\t", key=header.count)
    columns = [
        column.strip().lower() for column in next(csv.reader([header], delimiter=delimiter), [])
    ]
    _check(kind, wanted, columns)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cells):
                yield _record(wanted, columns, cells, 1 + reader.line_num)
    except csv.Error as error:
        yield Fault(1 + reader.line_num, f"this is not CSV: {error}; the rest was not read")


def _check(kind: str, wanted: Kind, columns: list[str]) -> None:
    unknown = sorted(set(columns) - wanted.columns)
    missing = sorted(wanted.required - set(columns))
    twice = sorted({column for column in columns if columns.count(column) > 1})
    for what, found in (("unknown", unknown), ("missing", missing), ("repeated", twice)):
        if found:
            known = ", ".join(sorted(wanted.columns))
            raise WrongColumns(
                f"The first line has {what} columns: {', '.join(found)}. For {kind} use: {known}."
            )


def _record(wanted: Kind, columns: list[str], cells: list[str], line: int) -> Row | Fault:
    if len(cells) != len(columns):
        return Fault(line, f"{len(cells)} cells, the header has {len(columns)}")
    filled = {
        column: cell.strip() for column, cell in zip(columns, cells, strict=True) if cell.strip()
    }
    for column in sorted(wanted.required):
        if column not in filled:
            return Fault(line, f"{column} is empty")
    return Row(line, filled[wanted.id_column], wanted.document(filled))
