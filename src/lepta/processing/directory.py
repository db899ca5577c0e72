"""The office's records as the writer and the receipts need them: a cache that asks whether it is still true.

Every change of a store, product or party raises a number in table `office_version`. The writer reads the
numbers with each batch and fetches what has changed since; so a change counts from the next batch on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import asyncpg
import orjson

from lepta.names import Name
from lepta.processing.events import Checkout
from lepta.processing.state import ProductRecord, StoreRecord
from lepta.rules.watch import degrees

PRODUCTS_KEPT = 200_000
"""Then they are put aside, and so many more are kept before those are let go."""

VERSIONS = "SELECT what, version FROM office_version"
STORES = """
    SELECT id, retailer, region, time_zone, programme, currency, language, location::text FROM store
"""
PARTIES = "SELECT id, name::text, closed_on FROM party"
CHANGED_PRODUCTS = "SELECT sku FROM product WHERE changed > $1"
PRODUCTS = "SELECT sku, name::text, categories, brand FROM product WHERE sku = ANY($1)"


class Versions(NamedTuple):
    """How often each sort of record has changed; of members only who is whom, by merging them."""

    member: int
    party: int
    product: int
    store: int


NOTHING_READ = Versions(-1, -1, -1, -1)


@dataclass(slots=True)
class Directory:
    """Stores and parties whole, products as they are asked for. Satisfies `processing.state.Records`."""

    versions: Versions = NOTHING_READ
    stores: dict[str, StoreRecord] = field(default_factory=dict)
    parties: dict[str, Name] = field(default_factory=dict)
    closing: dict[str, date] = field(default_factory=dict)
    """Funds that close: the first day on which they take nothing any more."""
    products: dict[str, ProductRecord | None] = field(default_factory=dict)
    older: dict[str, ProductRecord | None] = field(default_factory=dict)
    """Products that were here when `PRODUCTS_KEPT` was reached: sales under way may still need them."""
    product_names: dict[str, Name] = field(default_factory=dict)

    def store(self, store: str) -> StoreRecord | None:
        """A store by id."""
        return self.stores.get(store)

    def product(self, sku: str) -> ProductRecord | None:
        """A product by SKU; None if the catalogue does not know it. Raises `KeyError` for one never fetched."""
        return self.products[sku] if sku in self.products else self.older[sku]

    async def refresh(self, connection: asyncpg.Connection, versions: Versions) -> None:
        """Read again what is older than `versions`."""
        known = self.versions
        if versions == known:
            return
        if versions.party != known.party:
            rows = await connection.fetch(PARTIES)
            self.parties = {id_: Name.of(orjson.loads(name)) for id_, name, _ in rows}
            self.closing = {id_: on for id_, _, on in rows if on is not None}
        if versions.store != known.store:
            rows = await connection.fetch(STORES)
            self.stores = {row["id"]: _store(row) for row in rows}
        if versions.product != known.product and (self.products or self.older):
            for (sku,) in await connection.fetch(CHANGED_PRODUCTS, known.product):
                for kept in (self.products, self.older, self.product_names):
                    kept.pop(sku, None)
        self.versions = versions

    async def fetch(self, connection: asyncpg.Connection, sales: Sequence[Checkout]) -> None:
        """Make sure that the products of these sales are here, as far as the catalogue knows them.

        Two may fetch at once, and `refresh` may come between: what was read before it is read again.
        """
        while missing := self._missing(sales):
            known = self.versions
            rows = await connection.fetch(PRODUCTS, list(missing))
            if self.versions == known:
                found = {row["sku"]: _product(row) for row in rows}
                self.products.update((sku, found.get(sku)) for sku in missing)

    def _missing(self, sales: Sequence[Checkout]) -> set[str]:
        """What has to be asked for; of what was put aside, that which is sold again comes back."""
        if len(self.products) > PRODUCTS_KEPT:
            self.older, self.products = self.products, {}
            self.product_names.clear()
        here, older = self.products, self.older
        missing = {line.sku for sale in sales for line in sale.lines if line.sku not in here}
        for sku in missing & older.keys():
            here[sku] = older.pop(sku)
            missing.discard(sku)
        return missing

    def party_name(self, party: str) -> Name:
        """A party's name; its id where it has none any more."""
        return self.parties.get(party) or Name.of(party)

    def product_name(self, sku: str) -> Name | None:
        """The catalogue's name for a product, parsed once."""
        name = self.product_names.get(sku)
        if name is None:
            record = self.products.get(sku) or self.older.get(sku)
            if record is None or record.name is None:
                return None
            name = self.product_names[sku] = Name.of(record.name)
        return name


def _store(row: Any) -> StoreRecord:
    *columns, location = row
    if location is not None:
        told = orjson.loads(location)
        location = degrees(told["latitude"]), degrees(told["longitude"])
    values = (*columns, location)
    return StoreRecord(*values)


def _product(row: Any) -> ProductRecord:
    name = orjson.loads(row["name"]) if row["name"] else None
    return ProductRecord(row["sku"], name, tuple(row["categories"]), row["brand"])
