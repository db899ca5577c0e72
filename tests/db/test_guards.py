"""What the database refuses by itself, whoever asks: these tests go round the code on purpose."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import text

import make
from lepta.db import SERVICE_ROLE, Address, Database
from lepta.processing.directory import Directory
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from lepta.verification.verify import faults

HISTORY = (
    "event", "entry", "account", "asset", "lot_allocation", "idempotency", "shift", "checkpoint", "tile",
    "rulebook", "event_p000000000000", "entry_p000000000000",
)  # fmt: skip
CHANGES = ("UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}", "TRUNCATE {} CASCADE")
FIRST_COLUMN = {"asset": "name", "rulebook": "change"}


def statements(table: str) -> list[str]:
    column = FIRST_COLUMN.get(table, "shard")
    return [change.format(table, column, column) for change in CHANGES]


async def say(address: Address, statement: str, *, role: str | None = None) -> None:
    settings = {"role": role} if role else {}
    connection = await asyncpg.connect(**address.arguments(), server_settings=settings)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def sold(shop: Address) -> Address:
    """The shop with one sale on its books."""

    async def sell() -> None:
        database = Database(shop)
        writer = Writer(database, Directory(), Rulebooks())
        await writer.start()
        await writer.submit(Submission.of(make.checkout(), "k1"))
        await writer.stop()
        await database.close()

    asyncio.run(sell())
    return shop


async def test_nobody_changes_history_not_even_its_owner(sold: Address) -> None:
    for table in HISTORY:
        for statement in statements(table):
            with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
                await say(sold, statement)


async def test_replication_settings_do_not_switch_the_guards_off(sold: Address) -> None:
    for table in HISTORY:
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await say(sold, f"SET session_replication_role = replica; DELETE FROM {table}")


async def test_the_service_has_no_right_to_change_history(sold: Address) -> None:
    for table in HISTORY:
        for statement in statements(table):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await say(sold, statement, role=SERVICE_ROLE)


async def test_the_service_owns_nothing_and_cannot_become_the_owner(sold: Address) -> None:
    connection = await asyncpg.connect(**sold.arguments(), server_settings={"role": SERVICE_ROLE})
    try:
        owned = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relowner = current_user::regrole"
        )
        assert owned == []
        for statement in (
            "ALTER TABLE event DISABLE TRIGGER ALL",
            "DROP TABLE entry",
            "CREATE TABLE mine (id int)",
            "ALTER TABLE account_balance DROP CONSTRAINT account_balance_check",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_who_logs_in_as_the_service_cannot_become_anybody_else(sold: Address) -> None:
    connection = await asyncpg.connect(**sold.to_serve().arguments())
    try:
        for statement in (
            f'SET ROLE "{sold.user}"',
            f'SET SESSION AUTHORIZATION "{sold.user}"',
            "SET session_replication_role = replica",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        for statement in ("RESET ROLE", "SET ROLE NONE", "RESET SESSION AUTHORIZATION"):
            await connection.execute(statement)
            assert await connection.fetchval("SELECT current_user") == SERVICE_ROLE
            for table in ("event", "entry"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="must be owner"):
                    await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    finally:
        await connection.close()


async def test_the_service_works_and_is_verified_when_it_logs_in_as_itself(shop: Address) -> None:
    database = Database(shop.to_serve())
    writer = Writer(database, Directory(), Rulebooks())
    await writer.start()
    await writer.submit(Submission.of(make.checkout(), "k1"))
    await writer.stop()
    async with database.read() as tx:
        users = text("SELECT session_user::text, current_user::text")
        assert tuple((await tx.execute(users)).one()) == (SERVICE_ROLE, SERVICE_ROLE)
    await database.close()
    assert await faults(shop.to_serve()) == []


@pytest.mark.parametrize("later", [1, 250_000])
async def test_partitions_made_later_are_guarded_like_the_first(sold: Address, later: int) -> None:
    await say(
        sold, f"SELECT lepta_open_partitions(0::smallint, 1000000 + {later})", role=SERVICE_ROLE
    )
    for table in ("event_p000001000000", "entry_p000001000000"):
        for statement in statements(table):
            with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
                await say(sold, statement)


async def test_asking_for_absurdly_many_partitions_is_refused(sold: Address) -> None:
    with pytest.raises(asyncpg.RaiseError, match="asked to open partitions"):
        await say(
            sold, "SELECT lepta_open_partitions(0::smallint, 1000000000000)", role=SERVICE_ROLE
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE account_balance SET debits = credits + 1 WHERE limit_side = 1",
        "UPDATE account_balance SET credits = -1",
        "UPDATE budget SET used = granted + 1",
        "UPDATE lot SET remaining = 0",
        (
            "INSERT INTO entry (shard, log_index, leg, debit, credit, asset, amount, code)"
            " VALUES (0, 9, 0, 1, 2, 1, 0, 1)"
        ),
        (
            "INSERT INTO entry (shard, log_index, leg, debit, credit, asset, amount, code)"
            " VALUES (0, 9, 0, 1, 1, 1, 5, 1)"
        ),
        (
            "INSERT INTO event (shard, log_index, kind, leaf, leaf_hash, beside)"
            " VALUES (0, 9, 2, 'x', sha256('x'), '')"
        ),
        (
            "INSERT INTO idempotency (shard, scope, key, refusal, digest)"
            " VALUES (0, 2, decode(repeat('00', 16), 'hex'), 'r', sha256('r'))"
        ),
    ],
)
@pytest.mark.edge_case(63)
async def test_the_database_refuses_what_must_never_be(sold: Address, statement: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await say(sold, statement, role=SERVICE_ROLE)


async def test_one_place_in_the_log_and_one_name_of_an_event_are_taken_once(sold: Address) -> None:
    for table in ("event", "entry", "idempotency"):
        with pytest.raises(asyncpg.UniqueViolationError):
            await say(sold, f"INSERT INTO {table} SELECT * FROM {table}", role=SERVICE_ROLE)
