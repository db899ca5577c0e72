"""Which event first broke a bound: asked of the leaves of a range, once a fold has found that one did."""

import asyncpg

from lepta.processing.beside import Beside
from lepta.processing.leaf import Leaf
from lepta.verification.fold import Fold, Suspect
from lepta.verification.invariants import Check
from lepta.verification.report import Faults
from lepta.verification.source import SHARD

READ_LEAVES = """
    SELECT log_index, leaf, beside FROM event
    WHERE shard = $1 AND log_index >= $2 AND log_index < $3 ORDER BY log_index
"""


async def name_suspects(connection: asyncpg.Connection, fold: Fold, faults: Faults) -> None:
    """Turn the fold's suspects into faults of single events."""
    for suspect in fold.suspects:
        index, value = await _first_beyond(connection, suspect)
        if suspect.account is not None:
            shown = fold.accounts[suspect.account].account.shown()
            what = f"account {suspect.account} ({shown}) falls to {value}"
            faults.event(Check.LIMITS, index, what)
        else:
            what = f"{suspect.counter} rises to {value}, {suspect.bound} were granted"
            faults.event(Check.BUDGETS, index, what)
    fold.suspects.clear()


async def _first_beyond(connection: asyncpg.Connection, suspect: Suspect) -> tuple[int, int]:
    """(log index, value there) of the first event beyond the bound."""
    value = suspect.start
    for index, leaf, beside in await connection.fetch(READ_LEAVES, SHARD, *suspect.part):
        try:
            document = Leaf(leaf, Beside(beside).content if beside else None).document
            for debit, credit, amount, _ in document.get("entries", ()):
                if suspect.account in {debit, credit}:
                    value += amount if credit == suspect.account else -amount
                    if value < suspect.bound:
                        return index, value
            for counter, amount in document.get("used", ()):
                if counter == suspect.counter:
                    value += amount
                    if value > suspect.bound:
                        return index, value
        except (ValueError, TypeError, AttributeError):
            continue
    return suspect.part[0], value
