"""A member's lots while a reversal puts points back into them and takes others out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from lepta.ledger.book import Book
from lepta.ledger.chart import Account
from lepta.ledger.lots import Lot, Move, Spent

_Place = tuple[Account, date, int, int]


def part_of(spent: Iterable[Spent], skip: int, points: int) -> list[Spent]:
    """So many points of what was spent, after the first `skip` of them, in the order of spending."""
    part = []
    for lot, taken in spent:
        passed = min(taken, skip)
        skip -= passed
        here = min(taken - passed, points)
        points -= here
        if here:
            part.append(Spent(lot, here))
    assert points == 0, points
    return part


class Returning(NamedTuple):
    """Points whose lot had ended when they came back from `source`."""

    source: Account
    parent: Lot
    points: int


@dataclass(slots=True)
class Purse:
    """What lies in `available` and `pending`, changed on paper only: `moves` is what it comes to.

    A lot is the same whichever of the two it lies in.
    """

    book: Book
    available: Account
    pending: Account
    on: date
    """The day of the reversal: of lots whose last day is before it nothing is left to use."""
    returning: list[Returning] = field(default_factory=list)
    """What no lot holds: it needs a new one, unless it is taken at once."""
    _lots: dict[_Place, Lot] = field(init=False)
    _rest: dict[_Place, int] = field(init=False)

    def __post_init__(self) -> None:
        """Look at the book."""
        lots = {
            (account, *lot[:3]): lot
            for account in (self.pending, self.available)
            for lot in self.book.lots_of(account)
        }
        self._lots = lots
        self._rest = {place: lot.remaining for place, lot in lots.items()}

    def put(self, source: Account, spent: Iterable[Spent]) -> None:
        """Points go back into the lots they were spent from, those of lots that have ended to nowhere yet."""
        for lot, points in spent:
            if lot.expires_on < self.on:
                self.returning.append(Returning(source, lot, points))
                continue
            place = (self.available, *lot[:3])
            self._lots.setdefault(place, lot._replace(remaining=0, available_on=None))
            self._rest[place] = self._rest.get(place, 0) + points

    def take_own(self, log_index: int, leg: int, points: int) -> dict[Account, int]:
        """Take up to so many out of the lot that an entry made, whether they wait or not: by account."""
        taken: dict[Account, int] = {}
        for place in [place for place in self._rest if place[2:] == (log_index, leg)]:
            here = self._take(place, points)
            points -= here
            if here:
                taken[place[0]] = here
        return taken

    def take_any(self, points: int) -> int:
        """Take up to so many that may be spent: first what would need a new lot, then in the order of spending. What
        has ended may not, though the day that ends it was not told yet.
        """
        wanted = points
        kept = []
        for source, parent, had in self.returning:
            here = min(had, points)
            points -= here
            if had > here:
                kept.append(Returning(source, parent, had - here))
        self.returning = kept
        for place in sorted(place for place in self._rest if self._is_spendable(place)):
            points -= self._take(place, points)
        return wanted - points

    def moves(self) -> list[Move]:
        """One for each lot that is not as it was, in the order of accounts and spending."""
        changed = [
            Move(place[0], lot, lot.remaining - self._rest[place])
            for place, lot in self._lots.items()
            if lot.remaining != self._rest[place]
        ]
        return sorted(changed)

    def _is_spendable(self, place: _Place) -> bool:
        return place[0] == self.available and place[1] >= self.on

    def _take(self, place: _Place, points: int) -> int:
        here = min(self._rest[place], points)
        self._rest[place] -= here
        return here
