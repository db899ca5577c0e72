"""SQL of keys."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from lepta.db import Tx
from lepta.keys.tables import api_key

_SHOWN = (
    api_key.c.id,
    api_key.c.role,
    api_key.c.store,
    api_key.c.till,
    api_key.c.party,
    api_key.c.created_at,
    api_key.c.revoked_at,
)


@dataclass(frozen=True, slots=True)
class Key:
    """A key as its owner may see it: everything but the secret."""

    id: str
    role: str
    store: str | None
    till: str | None
    party: str | None
    created_at: datetime
    revoked_at: datetime | None


async def add(
    tx: Tx,
    *,
    key_id: str,
    role: str,
    store: str | None,
    till: str | None,
    party: str | None,
    secret_hash: bytes,
) -> Key:
    """Store a new key."""
    values = {
        "id": key_id,
        "role": role,
        "store": store,
        "till": till,
        "party": party,
        "secret_hash": secret_hash,
    }
    row = (await tx.execute(insert(api_key).values(values).returning(*_SHOWN))).one()
    return _key(row)


async def find(tx: Tx, key_id: str) -> tuple[Key, bytes] | None:
    """A key, revoked or not, and the hash of its secret."""
    query = select(*_SHOWN, api_key.c.secret_hash).where(api_key.c.id == key_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else (_key(row), bytes(row.secret_hash))


async def every(tx: Tx) -> list[Key]:
    """All keys, the oldest first."""
    query = select(*_SHOWN).order_by(api_key.c.created_at, api_key.c.id)
    return [_key(row) for row in await tx.execute(query)]


async def valid_among(tx: Tx, key_ids: Collection[str]) -> set[str]:
    """Those of `key_ids` that are not revoked."""
    query = select(api_key.c.id).where(api_key.c.id.in_(key_ids), api_key.c.revoked_at.is_(None))
    return set((await tx.execute(query)).scalars())


async def revoke(tx: Tx, key_id: str) -> bool:
    """Revoke a key, once; False if there is none."""
    revoked_at = func.coalesce(api_key.c.revoked_at, func.now())
    statement = update(api_key).where(api_key.c.id == key_id).values(revoked_at=revoked_at)
    return (await tx.execute(statement)).rowcount == 1


def _key(row: Row[*tuple[Any, ...]]) -> Key:
    return Key(row.id, row.role, row.store, row.till, row.party, row.created_at, row.revoked_at)
