"""SQL of the bench: members and products by the million, the anchors' database, sizes and volumes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

import asyncpg

from lepta.bench.assortment import CATEGORIES, PRODUCTS
from lepta.db import Address

SETTINGS = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")

# As `lepta.members.service.new_ref` makes them: an m and 18 letters and digits that say nothing.
ADD_MEMBERS = """
    INSERT INTO member (id, ref, first_name, last_name, gender, language)
    SELECT 'bench-' || n, 'm' || left(translate(md5(random()::text || n), '0189', 'ghij'), 18),
        (ARRAY['Пётр', 'Анна', 'Peter', 'Anna'])[1 + n % 4], 'Bench',
        (ARRAY['male', 'female'])[1 + n % 2], (ARRAY['ru', 'ru', 'en', 'en'])[1 + n % 4]
    FROM generate_series($1::int, $2::int) AS n
"""
ADD_CARDS = """
    INSERT INTO card (card, member, position, status)
    SELECT '29' || lpad(n::text, 11, '0'), 'bench-' || n, 0, 'active' FROM generate_series($1::int, $2::int) AS n
"""
ADD_PRODUCTS = """
    WITH changed AS (
        UPDATE office_version SET version = version + 1 WHERE what = 'product' RETURNING version
    )
    INSERT INTO product (sku, name, categories, changed)
    SELECT '46' || lpad(n::text, 11, '0'), to_jsonb('Товар ' || n), ARRAY['category-' || n % $2::int], version
    FROM generate_series(0, $1::int - 1) AS n, changed
"""
TABLES_AND_INDEXES = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname = 'public'
"""


@asynccontextmanager
async def session(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the tables' owner."""
    connection: asyncpg.Connection = await asyncpg.connect(**address.arguments(), timeout=30)
    try:
        yield connection
    finally:
        await connection.close()


async def settings(address: Address) -> dict[str, str]:
    """What of the server's settings a figure depends on."""
    async with session(address) as db:
        return {
            name: str(await db.fetchval("SELECT current_setting($1)", name)) for name in SETTINGS
        }


async def events(address: Address) -> int:
    """How many events the log holds."""
    async with session(address) as db:
        return int(await db.fetchval("SELECT coalesce(sum(size), 0)::bigint FROM log_head"))


async def add_members(address: Address, first: int, last: int) -> None:
    """Members number `first` to `last`, each with a card."""
    async with session(address) as db, db.transaction():
        # Their references are right by construction; checking a million takes longer than writing them.
        if await db.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            await db.execute("SET LOCAL session_replication_role = replica")
        await db.execute(ADD_MEMBERS, first, last)
        await db.execute(ADD_CARDS, first, last)


async def add_products(address: Address) -> None:
    """The catalogue."""
    async with session(address) as db:
        await db.execute(ADD_PRODUCTS, PRODUCTS, CATEGORIES)


async def settle(address: Address) -> None:
    """Statistics, visibility and dirty pages as a service has them that has run for long."""
    async with session(address) as db:
        await db.execute("VACUUM ANALYZE")
        await db.execute("CHECKPOINT")


async def stored_bytes(address: Address) -> int:
    """All tables with their indexes and TOAST, after a VACUUM has made dead room usable again."""
    async with session(address) as db:
        await db.execute("VACUUM")
        return int(await db.fetchval(TABLES_AND_INDEXES))


async def wal_bytes(address: Address) -> int:
    """How much write-ahead log the server has written since it was created."""
    async with session(address) as db:
        return int(
            await db.fetchval("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")
        )


async def create_database(address: Address, name: str) -> None:
    """An empty database `name`, in place of one that an earlier run may have left."""
    async with session(address) as db:
        await db.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await db.execute(f'CREATE DATABASE "{name}"')


async def drop_database(address: Address, name: str) -> None:
    """Remove `name` and whatever is in it."""
    async with session(address) as db:
        await db.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def create_double_entry(address: Address) -> None:
    """The plain-SQL ledger that P2 is measured against."""
    script = (files("lepta.bench") / "double_entry.sql").read_text(encoding="utf-8")
    async with session(address) as db:
        await db.execute(script)
        await db.execute("VACUUM ANALYZE")
