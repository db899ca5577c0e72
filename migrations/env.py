"""Runs the migrations over the connection that `lepta.schema` hands in, as the owner of the tables."""

from alembic import context
from sqlalchemy import Connection

# A migration that cannot get its lock fails quickly instead of making every till wait behind it.
LOCK_TIMEOUT_MS = 4_000


def run(connection: Connection) -> None:
    """Migrate in one transaction; the caller commits it."""
    connection.exec_driver_sql(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    context.configure(connection=connection, version_table="schema_version")
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
