"""Lots: points by issue and last day of use. Spending takes the earliest to expire first, then the oldest."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from lepta.ledger.chart import Account

NEVER = date.max
"""The last day of points that do not expire ('infinity' in the database)."""


class Lot(NamedTuple):
    """What is left of the points that one entry issued. The order of the fields is the order of spending."""

    expires_on: date
    log_index: int
    leg: int
    remaining: int
    issuer: int = 0
    """Number of the account that issued the points, whichever entry made the lot; 0: nobody has said."""
    available_on: date | None = None
    """The first day of points that wait; None: they do not."""


class Move(NamedTuple):
    """Points taken out of a lot of an account, or, below 0, put into it, which opens it again where it was closed.

    A lot keeps its name, its days and its issuer whichever account of the member it lies in.
    """

    account: Account
    lot: Lot
    points: int


class Spent(NamedTuple):
    """Points taken from one lot."""

    lot: Lot
    points: int


def spend(lots: Iterable[Lot], points: int, day: date) -> list[Spent]:
    """Take `points` from lots that hold at least as many on that business day, in spending order."""
    taken: list[Spent] = []
    for lot in sorted(lots):
        if points == 0:
            break
        if lot.expires_on < day:
            continue
        part = min(lot.remaining, points)
        taken.append(Spent(lot, part))
        points -= part
    assert points == 0, points
    return taken


def ended(lots: Iterable[Lot], day: date) -> int:
    """Points whose last day was over before `day`: nobody has told that day yet, and they are not to be spent."""
    return sum([lot.remaining for lot in lots if lot.expires_on < day])


def expiring(lots: Iterable[Lot], since: date, until: date) -> tuple[tuple[date, int], ...]:
    """Points by their last day of use, from `since` up to and including `until`, earliest first."""
    by_day: dict[date, int] = {}
    for lot in lots:
        if since <= lot.expires_on <= until:
            by_day[lot.expires_on] = by_day.get(lot.expires_on, 0) + lot.remaining
    return tuple(sorted(by_day.items())) if by_day else ()
