"""Tables that are folds of the log: each compared whole, row by row, in one pass."""

import struct
from typing import Any, NamedTuple

import asyncpg

from lepta.ledger.chart import available, limit_side, points_of
from lepta.processing.leaf import moment_of
from lepta.rules.limits import is_hard
from lepta.verification.fold import Fold
from lepta.verification.invariants import Check
from lepta.verification.report import Faults
from lepta.verification.source import SHARD, batches

Key = tuple[Any, ...]
Values = tuple[Any, ...]


class Table(NamedTuple):
    """A table as it is compared. Columns named in SQL are sent as their binary form, to be exact."""

    name: str
    check: Check
    keys: tuple[str, ...]
    values: tuple[str, ...]
    sharded: bool = True


ASSET = Table("asset", Check.ROWS, ("id",), ("name",), sharded=False)
ACCOUNT = Table("account", Check.ROWS, ("id",), ("kind", "ref", "code", "asset", "log_index"))
BALANCE = Table(
    "account_balance", Check.BALANCES, ("account",), ("debits", "credits", "limit_side")
)
LOT = Table(
    "lot", Check.LOTS,
    ("account", "date_send(expires_on)", "log_index", "leg"), ("remaining", "issuer", "date_send(available_on)"),
)  # fmt: skip
BUDGET = Table("budget", Check.BUDGETS, ("counter",), ("used", "granted"))
USAGE = Table("usage", Check.BUDGETS, ("counter",), ("used",))
SUPPORTER = Table(
    "supporter", Check.STANDINGS, ("member", "campaign", "fund"), ("points", "money_minor")
)  # fmt: skip
STANDING = Table(
    "standing", Check.STANDINGS, ("campaign", "fund"), ("donations", "shoppers", "points", "money_minor")
)  # fmt: skip
REVERSAL = Table("reversal", Check.ROWS, ("subject", "log_index"), ())
SECOND_MEMBER = Table("second_member", Check.ROWS, ("member", "log_index"), ())
SUSPICION = Table(
    "suspicion", Check.ROWS, ("log_index",), ("kinds", "store", "date_send(business_day)")
)  # fmt: skip
MERGED = Table("merged", Check.MERGERS, ("ref",), ("into_ref", "log_index"))
CLAIMED = Table("claimed", Check.ROWS, ("sale",), ("log_index",))
HOLD = Table("hold", Check.HOLDS, ("log_index",), ("account", "points", "expires_at"))
RESOLUTION = Table("resolution", Check.HOLDS, ("hold",), ("log_index",))
TILE = Table("tile", Check.ROOT, ("level", "n"), ("hash",))

STRANGERS = (
    ("event", "log_index"), ("entry", "log_index"), ("lot_allocation", "log_index"), ("account", "id"),
    ("account_balance", "account"), ("idempotency", "key"), ("checkpoint", "size"), ("tile", "n"), ("reversal", "log_index"),
    ("second_member", "log_index"), ("suspicion", "log_index"), ("merged", "ref"), ("claimed", "sale"),
    ("hold", "log_index"), ("resolution", "hold"),
    ("lot", "account"), ("budget", "counter"), ("usage", "counter"), ("supporter", "member"),
    ("standing", "campaign"), ("log_head", "size"),
)  # fmt: skip


async def compare(
    connection: asyncpg.Connection, table: Table, wanted: dict[Key, Values], faults: Faults
) -> None:
    """Whether the table holds these rows and no others. Uses `wanted` up."""
    columns = ", ".join((*table.keys, *table.values))
    query = f"SELECT {columns} FROM {table.name}"  # noqa: S608 - constants
    arguments = []
    if table.sharded:
        query += " WHERE shard = $1"
        arguments.append(SHARD)
    width = len(table.keys)
    async for rows in batches(connection, query, *arguments):
        for row in rows:
            key = row[:width]
            values = wanted.pop(key, None)
            if values is None:
                faults.add(table.check, _place(table, key), "is not what the log makes")
            elif values != row[width:]:
                _name_differences(table, key, row[width:], values, faults)
    for key in wanted:
        faults.add(table.check, _place(table, key), "is missing")


def _name_differences(
    table: Table, key: Key, found: Values, wanted: Values, faults: Faults
) -> None:
    for column, is_, says in zip(table.values, found, wanted, strict=True):
        if is_ != says:
            what = f"{_plain(column)} is {_text(is_)}, the log makes it {_text(says)}"
            faults.add(table.check, _place(table, key), what)


def _place(table: Table, key: Key) -> str:
    named = ", ".join(f"{_plain(c)} {_text(v)}" for c, v in zip(table.keys, key, strict=True))
    return f"{table.name} {named}"


def _plain(column: str) -> str:
    return column.removeprefix("date_send(").removesuffix(")")


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return f"day {struct.unpack('>i', value)[0]}" if len(value) == 4 else value.hex()
    return str(value)


async def find_strangers(connection: asyncpg.Connection, size: int, faults: Faults) -> None:
    """Rows of shards that have no log, and of events beyond the log's end."""
    for table, column in STRANGERS:
        where = "shard < $1 OR shard > $1"
        query = f"SELECT shard, {column} FROM {table} WHERE {where} LIMIT 10"  # noqa: S608 - constants
        for shard, value in await connection.fetch(query, SHARD):
            what = f"stands in shard {shard}, which has no log"
            faults.add(Check.GAPS, f"{table} {column} {_text(value)}", what)
    for table in ("event", "entry", "lot_allocation"):
        where = "shard = $1 AND (log_index < 0 OR log_index >= $2)"
        query = f"SELECT log_index FROM {table} WHERE {where} ORDER BY log_index LIMIT 10"  # noqa: S608
        for (index,) in await connection.fetch(query, SHARD, size):
            faults.event(
                Check.GAPS, index, f"table {table} has it, the log's head says {size} events"
            )


async def compare_state(connection: asyncpg.Connection, fold: Fold, faults: Faults) -> None:
    """Everything that the fold says of the tables of accounts, balances, lots, limits and standings."""
    await compare(connection, ACCOUNT, _accounts(fold), faults)
    await compare(connection, BALANCE, _balances(fold), faults)
    await compare(connection, LOT, _lots(fold), faults)
    if fold.caps_known:
        await compare(connection, BUDGET, _budgets(fold), faults)
    await compare(connection, USAGE, _usage(fold), faults)
    await compare(connection, REVERSAL, dict.fromkeys(fold.reversals, ()), faults)
    await compare(connection, SECOND_MEMBER, _seconds(fold), faults)
    await compare(connection, SUSPICION, _suspicions(fold), faults)
    merged: dict[Key, Values] = {(m.ref,): (m.into, m.log_index) for m in fold.mergers.values()}
    claimed: dict[Key, Values] = {(sale,): (claim,) for sale, claim in fold.claimed.items()}
    await compare(connection, CLAIMED, claimed, faults)
    await compare(connection, MERGED, merged, faults)
    await compare(connection, HOLD, _holds(fold), faults)
    ended = {(hold,): (by,) for hold, by in fold.holds.ended.items()}
    await compare(connection, RESOLUTION, ended, faults)
    supporters, standings = _standings(fold)
    await compare(connection, SUPPORTER, supporters, faults)
    await compare(connection, STANDING, standings, faults)


async def check_assets(connection: asyncpg.Connection, fold: Fold, faults: Faults) -> None:
    """Whether each asset that an account is kept in has a number, from 1 on, and nothing else has."""
    used = {opening.account.asset for opening in fold.accounts.values()}
    for name in sorted(used - fold.assets.keys()):
        faults.add(Check.ROWS, f"asset {name}", "is missing")
    for name, number in fold.assets.items():
        if not 1 <= number <= len(used):
            what = f"has number {number}, {len(used)} assets are numbered from 1"
            faults.add(Check.ROWS, f"asset {name}", what)
    wanted: dict[Key, Values] = {(fold.assets[n],): (n,) for n in used if n in fold.assets}
    await compare(connection, ASSET, wanted, faults)


def _accounts(fold: Fold) -> dict[Key, Values]:
    return {
        (number,): (*account[:3], fold.assets.get(account.asset), index)
        for number, (index, _, account) in fold.accounts.items()
    }


def _balances(fold: Fold) -> dict[Key, Values]:
    return {
        (number,): (debits, credits_, limit_side(fold.accounts[number].account))
        for number, (debits, credits_) in fold.sums.items()
    }


def _lots(fold: Fold) -> dict[Key, Values]:
    pack = struct.Struct(">i").pack
    waiting = {lot: pack(day) for lot, day in fold.waiting.items()}
    return {
        (account, pack(day), index, leg): (
            remaining,
            issuer,
            waiting.get((account, (day, index, leg, issuer))),
        )
        for account, lots in fold.lots.items()
        for (day, index, leg, issuer), remaining in lots.items()
    }


def _budgets(fold: Fold) -> dict[Key, Values]:
    hard = {counter for counter in fold.counts if is_hard(counter)}
    return {
        (counter,): (fold.counts.get(counter, 0), fold.granted.get(counter))
        for counter in hard | fold.granted.keys()
    }


def _usage(fold: Fold) -> dict[Key, Values]:
    return {(c,): (used,) for c, used in fold.counts.items() if not is_hard(c)}


def _seconds(fold: Fold) -> dict[Key, Values]:
    if not fold.seconds:
        return {}
    numbers = {opening.account: number for number, opening in fold.accounts.items()}
    return {
        (numbers.get(available(ref, points_of(programme)), -1), index): ()
        for index, ref, programme in fold.seconds
    }


def _suspicions(fold: Fold) -> dict[Key, Values]:
    pack = struct.Struct(">i").pack
    return {(index,): (kinds, store, pack(day)) for index, kinds, store, day in fold.suspicions}


def _holds(fold: Fold) -> dict[Key, Values]:
    return {
        (index,): (account, points, moment_of(expires_at))
        for index, account, points, expires_at in fold.holds.open.values()
    }


def _standings(fold: Fold) -> tuple[dict[Key, Values], dict[Key, Values]]:
    funds: dict[str, int] = {}
    for number, (_, _, account) in sorted(fold.accounts.items()):
        if account.kind == "fund":
            funds.setdefault(account.ref, number)
    numbers = {name: number for number, name in enumerate(fold.chain.newest.campaigns)}
    supporters: dict[Key, Values] = {}
    totals: dict[Key, list[int]] = {}
    for (member, campaign, fund), (donations, points, money) in fold.given.items():
        gave = member is not None and (points, money) != (0, 0)
        if gave:
            # What no rulebook or leaf knows is a fault by itself; here it is a row that nobody wrote.
            key = (member, numbers.get(campaign, -1), funds.get(fund, -1))
            supporters[key] = (points, money)
        total = totals.setdefault((campaign, fund), [0, 0, 0, 0])
        total[0] += donations
        total[1] += gave
        total[2] += points
        total[3] += money
    return supporters, {place: tuple(total) for place, total in totals.items()}
