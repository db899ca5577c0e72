"""Revisions of stored documents: replacing one takes proof of having seen it, and caches learn that it changed.

A revision is a document's entity tag; RFC 9110 section 13 says how a condition on it is evaluated.
"""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import BigInteger, Column, MetaData, Table, Text, select, update
from sqlalchemy.dialects.postgresql import insert

from lepta.db import Tx
from lepta.errors import DomainError, Kind

What = Literal["party", "store", "product"]

office_version = Table(
    "office_version",
    MetaData(),
    Column("what", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)


async def bump(tx: Tx, what: What) -> int:
    """The number of this change to stores, products or parties.

    The row stays locked until `tx` ends, so numbers become visible in their order: a cache that has seen
    number n misses nothing below it.
    """
    row = office_version.c
    statement = (
        update(office_version)
        .where(row.what == what)
        .values(version=row.version + 1)
        .returning(row.version)
    )
    return int((await tx.execute(statement)).scalar_one())


class NotFound(DomainError):
    """There is nothing of this name.

    Nothing is stored under the id in the address. Check its spelling, or create it first with `PUT`.
    """

    code = "not-found"
    kind = Kind.NOT_FOUND

    def __init__(self, what: str, name: str) -> None:
        super().__init__(
            f"There is no {what} {name!r}. Check the spelling, or create it first.", id=name
        )


class Unconditional(DomainError):
    """Replacing needs If-Match.

    Something is stored under this id already. So that nobody's change is lost unseen, a replacement says which
    revision it replaces: read the document, and send its `ETag` back in the header `If-Match`.

    Source: RFC 6585 section 3.
    """

    code = "precondition-required"
    kind = Kind.UNCONDITIONAL

    def __init__(self, etag: str) -> None:
        super().__init__(
            "This document exists already. Read it, and send its ETag in If-Match to replace it.",
            etag=etag,
        )


class Stale(DomainError):
    """Somebody else has changed it.

    The revision named in `If-Match` is not the stored one. Read the document again, apply your change to
    what it says now, and send that with the new `ETag`. With `If-None-Match: *`: it exists already.

    Source: RFC 9110 section 13.1.
    """

    code = "stale"
    kind = Kind.STALE

    def __init__(self, etag: str | None) -> None:
        stands = f"is now {etag}" if etag else "does not exist"
        super().__init__(
            f"The document {stands}. Read it again and repeat your change on that.", etag=etag
        )


def etag(revision: int) -> str:
    """The strong entity tag of a revision."""
    return f'"{revision}"'


@dataclass(frozen=True, slots=True)
class Condition:
    """What a writer says about the revision it means to replace: its `If-Match` and `If-None-Match`, as sent."""

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, revision: int | None) -> None:
        """Return if a document at `revision` (None: there is none) may be replaced or created."""
        if revision is None:
            if self.if_match is not None:
                raise Stale(None)
            return
        if self.if_none_match is not None and _names(self.if_none_match, revision, weak=True):
            raise Stale(etag(revision))
        if self.if_match is None:
            raise Unconditional(etag(revision))
        if not _names(self.if_match, revision, weak=False):
            raise Stale(etag(revision))


def _names(header: str, revision: int, *, weak: bool) -> bool:
    """Whether a list of entity tags has this revision; strong comparison unless `weak`."""
    tags = [tag.strip() for tag in header.split(",")]
    if weak:
        tags = [tag.removeprefix("W/") for tag in tags]
    return tags == ["*"] or etag(revision) in tags


class Always:
    """In place of a condition where there is nobody to ask: an import replaces whatever is there."""

    def check(self, revision: int | None) -> None:
        """Return, whatever is stored."""


Expected = Condition | Always


@dataclass(frozen=True, slots=True)
class Saved:
    """What a `PUT` did: the revision it made, and whether there was none before."""

    revision: int
    created: bool


async def lock(tx: Tx, table: Table, key: str, expected: Expected) -> int | None:
    """The revision stored under `key`, its row locked until `tx` ends; None if there is none.

    Refuses where `expected` does not hold. `table` has one key column, and `revision`.
    """
    (key_column,) = table.primary_key.columns
    revision: int | None = await tx.scalar(
        select(table.c.revision).where(key_column == key).with_for_update()
    )
    expected.check(revision)
    return revision


async def write(tx: Tx, table: Table, values: dict[str, Any], old: int | None) -> Saved:
    """Insert or replace one row, `old` being what `lock` gave; `values` are all columns but the revision.

    Where two create it at once, the second has not seen the first's and is refused like any such replacement.
    """
    (key_column,) = table.primary_key.columns
    row = {**values, "revision": (old or 0) + 1}
    if old is None:
        statement = insert(table).values(row).on_conflict_do_nothing(index_elements=[key_column])
        if (await tx.execute(statement)).rowcount == 0:
            raise Unconditional(etag(1))
    else:
        await tx.execute(update(table).where(key_column == values[key_column.name]).values(row))
    return Saved(row["revision"], created=old is None)
