"""SQL of products."""

from sqlalchemy import select

from lepta.db import Tx
from lepta.products.tables import Product, product


async def find(tx: Tx, sku: str) -> tuple[Product, int] | None:
    """A product and its revision."""
    row = (await tx.execute(select(product).where(product.c.sku == sku))).one_or_none()
    if row is None:
        return None
    return Product(row.sku, row.name, tuple(row.categories), row.brand), row.revision
