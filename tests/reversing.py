"""Voids and returns sent to a real writer, and what the ledger holds afterwards."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import asyncpg

import make
from lepta.db import Address
from lepta.money import micro
from lepta.processing.acts import Act, Return, Void
from lepta.processing.decide import Decision
from lepta.processing.events import NaturalKey, Publish
from lepta.processing.moving import Moved, Recalled
from lepta.processing.proration import ReturnedLine
from lepta.processing.recognition import Refused
from lepta.processing.reversed import Reversed
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from lepta.rules.rulebook import Change, PublishedProgramme

DAY = date(2026, 11, 22)
BALANCES = """
    SELECT concat_ws('/', a.kind, a.ref, a.code), b.credits - b.debits FROM account a
    JOIN account_balance b ON b.account = a.id WHERE b.credits <> b.debits
"""


def sale_key(sequence: int = 1187, store: str = "nsk-07") -> NaturalKey:
    """Of a sale of `make`."""
    return NaturalKey(store, "3", DAY, sequence)


def returning(
    sequence: int = 1,
    original: int | None = 1187,
    lines: Sequence[ReturnedLine] | None = None,
    **more: Any,
) -> Return:
    """A return of one pack, at the same till."""
    back = (goods(),) if lines is None else tuple(lines)
    return Return(
        **{
            "key": sale_key(sequence),
            "occurred_at": datetime(2026, 11, 22, 12, tzinfo=UTC),
            "original": None if original is None else sale_key(original),
            "lines": back,
            "total": sum(line.amount for line in back),
            **more,
        }
    )


def goods(number: int = 1, quantity: str = "1", amount: int = 25_900) -> ReturnedLine:
    """So much of a line."""
    return ReturnedLine(number, micro(quantity), amount)


async def tell(writer: Writer, act: Act, key: str | None = None) -> Decision:
    """What becomes of an act."""
    return (await writer.submit(Submission.of(act, key))).decision


async def void(writer: Writer, sequence: int = 1187, key: str | None = None) -> Decision:
    """Void a sale of `make`."""
    return await tell(writer, Void(sale_key(sequence)), key)


async def publish(writer: Writer, *documents: dict[str, Any]) -> None:
    """Campaigns of the club."""
    await writer.submit(Submission.of(Publish(make.change(*documents))))


async def change_programme(writer: Writer, **club: Any) -> None:
    """The club's next version, in force from now on."""
    item = PublishedProgramme(
        "club", 2, datetime(2026, 1, 1, tzinfo=UTC), {**make.PROGRAMME, **club}
    )
    await writer.submit(Submission.of(Publish(Change((item,)).canonical())))


def moved(decision: Decision) -> Moved:
    assert isinstance(decision, Moved), decision
    return decision


def reversed_by(decision: Decision) -> Reversed:
    """What a void or return came to, as it is stored."""
    assert isinstance(decision, (Moved, Recalled)), decision
    return Reversed.of(decision.movement.outcome)


def flags_of(decision: Decision) -> tuple[str, ...]:
    return tuple(moved(decision).movement.outcome.get("flags", ()))


def refusal(decision: Decision) -> str:
    assert isinstance(decision, Refused), decision
    return decision.error.code


async def rows(owner: Address, query: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(**owner.arguments())
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def balances(owner: Address) -> dict[str, int]:
    """Credits less debits of every account that is not at 0, by `kind/ref/code`."""
    return dict(await rows(owner, BALANCES))


async def state(owner: Address) -> list[list[tuple[Any, ...]]]:
    """Everything that a sale changes but history: balances, lots, counters, what was given."""
    queries = (
        f"{BALANCES} ORDER BY 1",
        "SELECT account, expires_on, log_index, leg, remaining, issuer, available_on FROM lot ORDER BY 1, 2, 3, 4",
        "SELECT counter, used FROM budget WHERE used > 0 ORDER BY 1",
        "SELECT counter, used FROM usage WHERE used > 0 ORDER BY 1",
        "SELECT member, campaign, fund, points, money_minor FROM supporter ORDER BY 1, 2, 3",
        "SELECT campaign, fund, donations, shoppers, points, money_minor FROM standing WHERE donations > 0 ORDER BY 1, 2",
    )
    return [await rows(owner, query) for query in queries]
