"""SQL of parties and stores."""

from collections.abc import Collection

from sqlalchemy import select

from lepta.db import Tx
from lepta.parties.tables import Party, Store, party, programme, store


async def find_party(tx: Tx, party_id: str) -> tuple[Party, int] | None:
    """A party and its revision."""
    row = (await tx.execute(select(party).where(party.c.id == party_id))).one_or_none()
    return None if row is None else (Party(row.id, row.kind, row.name), row.revision)


async def find_store(tx: Tx, store_id: str) -> tuple[Store, int] | None:
    """A store and its revision."""
    row = (await tx.execute(select(store).where(store.c.id == store_id))).mappings().one_or_none()
    if row is None:
        return None
    values = dict(row)
    number = values.pop("revision")
    return Store(**values), number


async def kinds(tx: Tx, party_ids: Collection[str] | None = None) -> dict[str, str]:
    """The kind of each party there is, among `party_ids` if given."""
    query = select(party.c.id, party.c.kind)
    if party_ids is not None:
        query = query.where(party.c.id.in_(party_ids))
    return {row.id: row.kind for row in await tx.execute(query)}


async def retails(tx: Tx, party_id: str) -> bool:
    """Whether a store names this party as its retailer."""
    return (
        await tx.scalar(select(store.c.id).where(store.c.retailer == party_id).limit(1)) is not None
    )


async def programme_currencies(tx: Tx, programme_id: str | None) -> dict[str, str]:
    """The currency of the programme asked for; with None, of the first two there are."""
    query = select(programme.c.id, programme.c.document["currency"].astext.label("currency"))
    query = query.limit(2) if programme_id is None else query.where(programme.c.id == programme_id)
    return {row.id: row.currency for row in await tx.execute(query)}
