"""SQL of parties and stores."""

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import or_, select

from lepta.db import Tx
from lepta.parties.tables import (
    Party,
    Store,
    account,
    campaign_version,
    log_head,
    party,
    programme,
    store,
)

PARTIES_ACCOUNTS = ("funder", "fund", "party", "shopper")
"""Kinds of accounts whose ref is a party's id, as `lepta.ledger.chart` names them."""


async def find_party(tx: Tx, party_id: str) -> tuple[Party, int] | None:
    """A party and its revision."""
    row = (await tx.execute(select(party).where(party.c.id == party_id))).one_or_none()
    return None if row is None else (Party(row.id, row.kind, row.name, row.closed_on), row.revision)


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


async def closing(tx: Tx) -> dict[str, date]:
    """Of parties that close: the first day on which they take nothing any more."""
    query = select(party.c.id, party.c.closed_on).where(party.c.closed_on.is_not(None))
    return {row.id: row.closed_on for row in await tx.execute(query)}


async def user_of(tx: Tx, party_id: str) -> str | None:
    """What counts on a party being of its kind, for people; None if nothing does."""
    stores = select(store.c.id).where(store.c.retailer == party_id)
    if found := await tx.scalar(stores.order_by(store.c.id).limit(1)):
        return f"store {found} names it as its retailer"
    names_it = or_(*(campaign_version.c.document.contains(part) for part in _naming(party_id)))
    campaigns = select(campaign_version.c.campaign).where(campaign_version.c.published, names_it)
    if found := await tx.scalar(campaigns.order_by(campaign_version.c.campaign).limit(1)):
        return f"the published campaign {found} names it"
    # Members' accounts have refs of their own, which no party's id may be mistaken for.
    shards = select(log_head.c.shard)
    booked = account.c.shard.in_(shards) & (account.c.ref == party_id)
    accounts = select(account.c.kind).where(booked, account.c.kind.in_(PARTIES_ACCOUNTS)).limit(1)
    return "the ledger has accounts of it" if await tx.scalar(accounts) else None


def _naming(party_id: str) -> tuple[dict[str, Any], ...]:
    """Parts of a campaign's document, of which each names the party."""
    return (
        {"funding": [{"party": party_id}]},
        {"match": {"funding": [{"party": party_id}]}},
        {"effect": {"to": {"fund": party_id}}},
        {"effect": {"to": {"choice": [party_id]}}},
        {"effect": {"to": {"fallback": party_id}}},
        {"where": {"retailers": [party_id]}},
    )


async def programme_currencies(tx: Tx, programme_id: str | None) -> dict[str, str]:
    """The currency of the programme asked for; with None, of the first two there are."""
    query = select(programme.c.id, programme.c.document["currency"].astext.label("currency"))
    query = query.limit(2) if programme_id is None else query.where(programme.c.id == programme_id)
    return {row.id: row.currency for row in await tx.execute(query)}
