"""Entries: one debit, one credit, one asset, a positive amount, and what it is for."""

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


EARN, REDEEM, GIVE_POINTS, GIVE_MONEY, COLLECT, GIVE_OWN = Code
"""Python 3.11 looks a member up in its class at every mention; these it does not."""


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
