"""Tables of members and cards, and their rows as values. All of it is personal data."""

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import BigInteger, Column, Date, DateTime, MetaData, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

_metadata = MetaData()

member = Table(
    "member",
    _metadata,
    Column("id", Text, primary_key=True),
    Column("ref", Text, nullable=False),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("gender", Text),
    Column("language", Text),
    Column("phone", Text),
    Column("email", Text),
    Column("birthday", Date),
    Column("segments", ARRAY(Text), nullable=False),
    Column("tier", Text),
    Column("since", DateTime(timezone=True)),
    Column("joined_on", Date),
    Column("choices", JSONB),
    Column("merged_into", Text),
    Column("revision", BigInteger, nullable=False),
)

history = Table(
    "member_history",
    _metadata,
    Column("member", Text, primary_key=True),
    Column("until", DateTime(timezone=True), primary_key=True),
    Column("tier", Text),
    Column("segments", ARRAY(Text), nullable=False),
)

card = Table(
    "card",
    _metadata,
    Column("card", Text, primary_key=True),
    Column("member", Text, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("active_since", DateTime(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class Card:
    """A card and what it may do: active, not-activated (earns only) or blocked."""

    card: str
    status: str = "active"


@dataclass(frozen=True, slots=True)
class Member:
    """A shopper as the office knows them. `repr` shows the id alone, so that no log ever shows more."""

    id: str
    first_name: str | None = field(default=None, repr=False)
    last_name: str | None = field(default=None, repr=False)
    gender: str | None = field(default=None, repr=False)
    language: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    birthday: date | None = field(default=None, repr=False)
    segments: tuple[str, ...] = field(default=(), repr=False)
    tier: str | None = field(default=None, repr=False)
    joined_on: date | None = field(default=None, repr=False)
    """None: as it is stored; where nothing is, the day on which they are entered."""
    cards: tuple[Card, ...] = field(default=(), repr=False)
    merged_into: str | None = None
    """Who they turned out to be: the id of another member, who has their points and cards."""
