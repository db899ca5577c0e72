"""One changed byte in any column of any table, by somebody with all rights, is found and its place named."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from small_ledger import (
    Ledgers,
    Tampered,
    ledgers,  # noqa: F401 - a fixture
    tampered,
)

HISTORY = {
    "event": "log_index member shard kind leaf leaf_hash beside",
    "entry": "log_index debit credit amount shard leg asset code",
    "account": "shard id kind ref code asset log_index",
    "asset": "id name",
    "lot_allocation": "log_index lot_log_index amount account shard seq lot_leg expires_on",
    "second_member": "log_index member shard",
    "claimed": "sale log_index shard",
    "merged": "log_index shard ref into_ref",
    "idempotency": "log_index shard scope key refusal digest",
    "shift": "business_day shard store till shift request answer digest",
    "checkpoint": "shard size root note",
    "tile": "shard level n hash",
    "rulebook": "number digest change",
}
STATE = {
    "account_balance": "account debits credits shard limit_side",
    "lot": "account log_index remaining expires_on issuer shard leg available_on",
    "budget": "shard counter used granted",
    "usage": "shard counter used",
    "supporter": "member points money_minor shard campaign fund",
    "standing": "donations shoppers points money_minor shard campaign fund",
    "log_head": "shard size root frontier rulebook next_account vkey",
}
UNGUARDED = {("log_head", "partition_width"), ("log_head", "partitioned_to")}
"""How partitions are made: says nothing about history."""
COLUMNS = [
    (table, column)
    for table, columns in (HISTORY | STATE).items()
    for column in columns.split()
]  # fmt: skip
IN_EVENTS = ("event", "entry", "lot_allocation")
NAMES = {
    "account": "account id {id}", "asset": "asset", "checkpoint": "checkpoint size {size}",
    "second_member": "second_member member {member}, log_index {log_index}", "merged": "merged ref {ref}",
    "claimed": "claimed sale {sale}",
    "shift": "shift {shift} of {store}/{till} on {business_day}", "tile": "tile level {level}, n {n}", "rulebook": "rulebook number {number}",
    "account_balance": "account_balance account {account}", "lot": "lot account {account}",
    "budget": "budget counter {counter}", "usage": "usage counter {counter}",
    "supporter": "supporter member {member}, campaign {campaign}, fund {fund}",
    "standing": "standing campaign {campaign}, fund {fund}",
}  # fmt: skip


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One loop for the one copy that all these tests change and mend."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def copy(ledgers: Ledgers, loop: asyncio.AbstractEventLoop) -> Iterator[Tampered]:  # noqa: F811
    block = tampered(ledgers.server, ledgers.original.database)
    yield loop.run_until_complete(block.__aenter__())
    loop.run_until_complete(block.__aexit__(None, None, None))


def variants(value: Any) -> list[Any]:
    """The value with one bit or one smallest step changed; of bytes and texts the first, middle and last."""
    if isinstance(value, bytes):
        places = sorted({0, len(value) // 2, len(value) - 1})
        return (
            [value[:n] + bytes([value[n] ^ 1]) + value[n + 1 :] for n in places]
            if value
            else [b"\0"]
        )
    if isinstance(value, str):
        places = sorted({0, len(value) // 2, len(value) - 1})
        return [value[:n] + chr(ord(value[n]) ^ 1) + value[n + 1 :] for n in places]
    if isinstance(value, datetime):
        return [value + timedelta(microseconds=1)]
    if isinstance(value, date):
        return [date(2027, 1, 1) if value in {date.min, date.max} else value + timedelta(days=1)]
    assert isinstance(value, int)
    return [value ^ 1, value ^ 1 << 14]


async def rows_of(connection: asyncpg.Connection, table: str, column: str) -> list[asyncpg.Record]:
    """First, middle and last row that has the column, with where they lie."""
    query = f"SELECT tableoid::regclass::text AS part, ctid::text AS place, * FROM {table}"
    rows = await connection.fetch(f"{query} WHERE {column} IS NOT NULL ORDER BY ctid")
    assert rows, f"the ledger has no {table}.{column} to change"
    return [rows[n] for n in sorted({0, len(rows) // 2, len(rows) - 1})]


async def changed(
    connection: asyncpg.Connection, row: asyncpg.Record, column: str, values: list[Any]
) -> AsyncGenerator[Any, None]:
    """The row with each of the values in turn, and mended in the end; values that are taken are left out."""
    update = (
        f"UPDATE {row['part']} SET {column} = $1 WHERE ctid = $2::text::tid RETURNING ctid::text"
    )
    place = row["place"]
    try:
        for value in values:
            try:
                place = await connection.fetchval(update, value, place)
            except asyncpg.UniqueViolationError:
                continue
            yield value
    finally:
        await connection.execute(update, row[column], place)


def names(table: str, column: str, row: asyncpg.Record, value: Any) -> list[str]:
    """What the first line of the report may call the place: by the row as it was, or as it is."""
    both = [dict(row), {**dict(row), column: value}]
    if table in IN_EVENTS:
        return [f"event {each['log_index']}:" for each in both]
    if table == "idempotency":
        return [each["key"].hex() for each in both if each["key"]]
    if table == "log_head":
        return ["log_head", "checkpoint", "event"]
    return [NAMES[table].format_map(each) for each in both]


@pytest.mark.parametrize(("table", "column"), COLUMNS)
@pytest.mark.edge_case(64)
def test_one_changed_byte_is_found_and_its_place_named(
    copy: Tampered, loop: asyncio.AbstractEventLoop, table: str, column: str
) -> None:
    async def check() -> int:
        tried = 0
        for row in await rows_of(copy.connection, table, column):
            async with aclosing(
                changed(copy.connection, row, column, variants(row[column]))
            ) as values:
                async for value in values:
                    tried += 1
                    found = await copy.faults()
                    assert found, (dict(row), value)
                    assert any(name in found[0] for name in names(table, column, row, value)), found
        return tried

    assert loop.run_until_complete(check()) > 0


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_value_taken_away_or_made_up_is_found(
    copy: Tampered, loop: asyncio.AbstractEventLoop, table: str, column: str
) -> None:
    async def check() -> None:
        try:
            for row in (await rows_of(copy.connection, table, column))[:2]:
                async with aclosing(changed(copy.connection, row, column, [None])) as values:
                    async for _ in values:
                        assert await copy.faults(replay=True), dict(row)
        except (asyncpg.NotNullViolationError, asyncpg.CheckViolationError):
            key = await copy.connection.fetchval(
                "SELECT count(*) FROM pg_index, pg_attribute a WHERE indrelid = $1::text::regclass AND indisprimary"
                " AND attrelid = indrelid AND attname = $2 AND attnum = ANY(indkey)", table, column,
            )  # fmt: skip
            assert key, "only a key's column cannot be emptied"

    loop.run_until_complete(check())


def test_every_column_of_every_table_of_the_ledger_is_tried(
    copy: Tampered, loop: asyncio.AbstractEventLoop
) -> None:
    query = """
        SELECT relname, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE relname = ANY($1) AND attnum > 0 AND NOT attisdropped
    """
    tables = [*HISTORY, *STATE]
    rows = loop.run_until_complete(copy.connection.fetch(query, tables))
    assert {tuple(row) for row in rows} == {*COLUMNS, *UNGUARDED}


def test_the_copy_is_clean_again_once_everything_is_mended(
    copy: Tampered, loop: asyncio.AbstractEventLoop
) -> None:
    assert loop.run_until_complete(copy.faults(replay=True)) == []
