"""The table of keys."""

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, Text

api_key = Table(
    "api_key",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("store", Text),
    Column("till", Text),
    Column("party", Text),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
)
