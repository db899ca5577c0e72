"""The table of products, and its row as a value."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

product = Table(
    "product",
    MetaData(),
    Column("sku", Text, primary_key=True),
    Column("name", JSONB(none_as_null=True)),
    Column("categories", ARRAY(Text), nullable=False),
    Column("brand", Text),
    Column("revision", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Product:
    """What the office says of a product; an event's own categories and brand come before these."""

    sku: str
    name: Any = None
    categories: tuple[str, ...] = ()
    brand: str | None = None
