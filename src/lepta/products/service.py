"""Saving and reading products."""

from collections.abc import Sequence

from lepta.db import Database, Tx
from lepta.products import store as sql
from lepta.products.tables import Product, product
from lepta.revisions import Always, Expected, NotFound, Saved, bump, lock, write


async def put(db: Database, record: Product, expected: Expected) -> Saved:
    """Create or replace a product."""
    async with db.begin() as tx:
        return await _put(tx, record, expected, await bump(tx, "product"))


async def put_all(db: Database, records: Sequence[Product]) -> list[Saved]:
    """Create or replace products, whatever is stored, in one transaction that caches see as one change."""
    async with db.begin() as tx:
        changed = await bump(tx, "product")
        return [await _put(tx, record, Always(), changed) for record in records]


async def _put(tx: Tx, record: Product, expected: Expected, changed: int) -> Saved:
    old = await lock(tx, product, record.sku, expected)
    values = {
        "sku": record.sku,
        "name": record.name,
        "categories": list(record.categories),
        "brand": record.brand,
        "changed": changed,
    }
    return await write(tx, product, values, old)


async def get(db: Database, sku: str) -> tuple[Product, int]:
    """A product and its revision."""
    async with db.read() as tx:
        found = await sql.find(tx, sku)
    if found is None:
        raise NotFound("product", sku)
    return found
