"""Tables of parties, programmes' documents and stores, and their rows as values."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, MetaData, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

_metadata = MetaData()

party = Table(
    "party",
    _metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", JSONB, nullable=False),
    Column("closed_on", Date),
    Column("revision", BigInteger, nullable=False),
)

programme = Table(
    "programme",
    _metadata,
    Column("id", Text, primary_key=True),
    Column("document", JSONB, nullable=False),
    Column("revision", BigInteger, nullable=False),
)

store = Table(
    "store",
    _metadata,
    Column("id", Text, primary_key=True),
    Column("retailer", Text, nullable=False),
    Column("name", JSONB(none_as_null=True)),
    Column("region", Text),
    Column("time_zone", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("programme", Text, nullable=False),
    Column("location", JSONB(none_as_null=True)),
    Column("revision", BigInteger, nullable=False),
)

# What is read of others' tables: whether a party is in use.
campaign_version = Table(
    "campaign_version",
    _metadata,
    Column("campaign", Text, primary_key=True),
    Column("document", JSONB, nullable=False),
    Column("published", Boolean, nullable=False),
)

log_head = Table("log_head", _metadata, Column("shard", SmallInteger, primary_key=True))

account = Table(
    "account",
    _metadata,
    Column("shard", SmallInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("ref", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who sells, pays or receives; `name` is a name document."""

    id: str
    kind: str
    name: Any
    closed_on: date | None = None
    """Of a charity or beneficiary: the first day on which it takes nothing any more."""


@dataclass(frozen=True, slots=True)
class Store:
    """Where sales happen. What is None is filled in when it is saved: the only programme, its currency."""

    id: str
    retailer: str
    time_zone: str
    name: Any = None
    region: str | None = None
    currency: str | None = None
    language: str = "ru"
    programme: str | None = None
    location: Any = None
    """Latitude and longitude, decimal strings."""
