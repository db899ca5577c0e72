"""SQL of programmes, campaign versions and the chain of rulebook changes. The writer appends to the chain."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from lepta.campaigns.tables import campaign_version, rulebook
from lepta.db import Tx
from lepta.parties.tables import programme, store
from lepta.rules.known import Place

_PUBLISHING = 0x7075626C697368


class Draft(NamedTuple):
    """One version of a campaign as the office wrote it."""

    campaign: str
    version: int
    document: Mapping[str, Any]
    published: bool


async def take_turn(tx: Tx) -> None:
    """Wait until nobody else publishes; the turn lasts as long as `tx`."""
    await tx.execute(select(func.pg_advisory_xact_lock(_PUBLISHING)))


async def newest(tx: Tx, campaign: str, *, lock: bool = False) -> Draft | None:
    """The newest version of a campaign."""
    row = campaign_version.c
    query = (
        select(campaign_version)
        .where(row.campaign == campaign)
        .order_by(row.version.desc())
        .limit(1)
    )
    found = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    return None if found is None else Draft(*found)


class Entry(NamedTuple):
    """A campaign in the list of all: its newest version and what people call it."""

    campaign: str
    version: int
    title: Any
    kind: str


async def entries(tx: Tx, after: str) -> list[Entry]:
    """Every campaign whose id comes after `after`, by id."""
    row, other = campaign_version.c, campaign_version.alias()
    last = select(func.max(other.c.version)).where(other.c.campaign == row.campaign)
    document = row.document
    query = (
        select(row.campaign, row.version, document["title"], document["kind"].astext)
        .where(row.campaign > after, row.version == last.scalar_subquery())
        .order_by(row.campaign)
    )
    return [Entry(*found) for found in await tx.execute(query)]


async def add(tx: Tx, campaign: str, version: int, document: Mapping[str, Any]) -> bool:
    """Save a version; False if somebody else has just made one of this number."""
    row = {"campaign": campaign, "version": version, "document": document, "published": False}
    statement = insert(campaign_version).values(row).on_conflict_do_nothing()
    return (await tx.execute(statement)).rowcount == 1


async def mark_published(tx: Tx, campaign: str, version: int) -> None:
    """Note for people that a version is in the rulebook."""
    row = campaign_version.c
    statement = update(campaign_version).where(row.campaign == campaign, row.version == version)
    await tx.execute(statement.values(published=True))


async def find_programme(tx: Tx, programme_id: str) -> tuple[Mapping[str, Any], int] | None:
    """A programme's document and revision."""
    row = (await tx.execute(select(programme).where(programme.c.id == programme_id))).one_or_none()
    return None if row is None else (row.document, row.revision)


async def programmes(tx: Tx) -> list[tuple[str, Mapping[str, Any], int]]:
    """Every programme: id, document, revision."""
    query = select(programme.c.id, programme.c.document, programme.c.revision).order_by(
        programme.c.id
    )
    return [(row.id, row.document, row.revision) for row in await tx.execute(query)]


async def places(tx: Tx) -> dict[str, Place]:
    """Where every store is."""
    row = store.c
    rows = (await tx.execute(select(row.id, row.retailer, row.region, row.programme))).all()
    return {r.id: Place(r.retailer, r.region, r.programme) for r in rows}


async def changes_after(tx: Tx, number: int) -> list[bytes]:
    """The rulebook's changes that follow number `number`, in order."""
    query = select(rulebook.c.change).where(rulebook.c.number > number).order_by(rulebook.c.number)
    return [bytes(change) for change in (await tx.execute(query)).scalars()]
