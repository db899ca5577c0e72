"""Tables of campaign versions and of the rulebook's chain of changes."""

from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

_metadata = MetaData()

campaign_version = Table(
    "campaign_version",
    _metadata,
    Column("campaign", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", JSONB, nullable=False),
    # A hint for people: what is in force stands in the rulebook.
    Column("published", Boolean, nullable=False),
)

rulebook = Table(
    "rulebook",
    _metadata,
    Column("number", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("change", LargeBinary, nullable=False),
)
