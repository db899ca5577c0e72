"""Entries: one debit, one credit, one asset, a positive amount, and what it is for."""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from lepta.ledger.chart import Account
from lepta.values import value


class Code(IntEnum):
    """What an entry is for. The numbers stand in leaves: never change one, never use one again."""

    EARN = 1
    REDEEM = 2
    GIVE_POINTS = 3
    GIVE_MONEY = 4
    COLLECT = 5
    GIVE_OWN = 6
    """Points that the shopper gives away; those of `GIVE_POINTS` are issued for it."""
    CLAW_BACK = 7
    """Points earned on what was brought back return to who issued them."""
    RESTORE = 8
    """Points redeemed for it return to the shopper."""
    UNGIVE_POINTS = 9
    UNGIVE_MONEY = 10
    UNCOLLECT = 11
    UNGIVE_OWN = 12
    """These four take back what 3 to 6 gave."""
    MATURE = 13
    """Points that had to wait may be spent."""
    EXPIRE = 14
    """Points whose last day is over."""
    HOLD = 15
    """Points set aside for a sale under way."""
    RELEASE = 16
    """Points set aside and not used."""
    ADJUST = 17
    """Points given or taken by the office, for a reason that it states."""
    CLEAR = 18
    """Money that one party owes another for points which that one honoured; the other way round, owes no more."""
    REPAY = 19
    """Points earned by who owes some: they pay the debt."""
    MERGE = 20
    """Points that go over to the member whom another one turned out to be."""
    TRANSFER = 21
    """Points that one member leaves to another."""


EARN, REDEEM, GIVE_POINTS, GIVE_MONEY, COLLECT, GIVE_OWN = list(Code)[:6]
"""Python 3.11 looks a member up in its class at every mention; these, which sales make, it does not."""
REPAY, RELEASE, CLEAR = Code.REPAY, Code.RELEASE, Code.CLEAR


@value
class Entry:
    """A movement of `amount` from the credit to the debit side of one asset, by account names."""

    debit: Account
    credit: Account
    amount: int
    code: Code


class Posting(NamedTuple):
    """The same with account numbers, as it stands in the leaf and in table `entry`."""

    debit: int
    credit: int
    amount: int
    code: int


def spender(postings: Sequence[Posting]) -> int:
    """The account whose lots a sale takes points from: the one that its first entry debits. Where that entry gives a
    hold's points back, it is the one that they come back to.
    """
    first = postings[0]
    return first.credit if first.code == RELEASE else first.debit
