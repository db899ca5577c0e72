"""A member's points in the simple model: lots with a last day, which lie free, wait, or are set aside."""

import calendar
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

PLACES = ("available", "pending", "held")


def shared(amount: int, weights: Sequence[int]) -> list[int]:
    """Parts in proportion to weights that sum to the amount: each rounded down, the rest to the largest fractions."""
    exact = [Fraction(amount * weight, sum(weights)) for weight in weights]
    parts = [int(part) for part in exact]
    by_fraction = sorted(range(len(parts)), key=lambda n: (parts[n] - exact[n], n))
    for n in by_fraction[: amount - sum(parts)]:
        parts[n] += 1
    return parts


def month_later(day: date) -> date:
    """The same day of the next month; where it has none, the first of the one after."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    if day.day <= calendar.monthrange(year, month)[1]:
        return date(year, month, day.day)
    return date(year, month + 1, 1)


@dataclass
class Lot:
    """Points that were issued together. `place`: (event, entry) that made it, which tells which lot is older."""

    last: date
    place: tuple[int, int]
    first: date | None = None
    issuer: str = "retail-nsk"
    issued: int = 0
    points: Counter[str] = field(default_factory=Counter)
    """Where what is left of them lies."""
    expired: int = 0
    gone: int = 0
    """What was taken out of it for any reason, less what came back."""

    def move(self, source: str, target: str | None, points: int) -> None:
        """From one place to another, or, with None, out of the lot."""
        assert 0 <= points <= self.points[source], (self, source, points)
        self.points[source] -= points
        if target is None:
            self.gone += points
        else:
            self.points[target] += points

    def put(self, points: int) -> None:
        """Points come back into it."""
        self.gone -= points
        self.points["available"] += points


Taken = list[tuple[Lot, int]]
"""Lots and what was taken out of each, in the order of taking."""


@dataclass
class Purse:
    """All that one member has, and what they owe."""

    lots: list[Lot] = field(default_factory=list)
    owed: int = 0

    def add(self, lot: Lot, points: int, place: str = "available") -> None:
        """New points."""
        lot.issued += points
        lot.points[place] += points
        self.lots.append(lot)

    def take_over(self, other: Lot, points: int) -> None:
        """Points of another member's lot: they stay what they were."""
        for lot in self.lots:
            if lot.place == other.place:
                lot.issued += points
                lot.points["available"] += points
                return
        self.add(Lot(other.last, other.place, None, other.issuer), points)

    def usable(self, day: date) -> int:
        """What may be spent on a day."""
        return sum(lot.points["available"] for lot in self.lots if lot.last >= day)

    def total(self, place: str) -> int:
        return sum(lot.points[place] for lot in self.lots)

    def in_order(self) -> list[Lot]:
        """What ends first, then what is oldest."""
        return sorted(self.lots, key=lambda lot: (lot.last, lot.place))

    def pick(self, points: int, day: date) -> Taken:
        """The lots that so many points are spent from on a day, or as many as there are."""
        picked = []
        for lot in self.in_order():
            here = min(points, lot.points["available"])
            if here and lot.last >= day:
                picked.append((lot, here))
                points -= here
        return picked

    def told(self, day: date) -> tuple[object, ...]:
        """As an answer tells it: available, held, pending, and what ends within 60 days."""
        until = day + timedelta(days=60)
        ending: Counter[date] = Counter()
        for lot in self.lots:
            if day <= lot.last <= until and lot.points["available"]:
                ending[lot.last] += lot.points["available"]
        return (self.usable(day), self.total("held"), self.total("pending"), sorted(ending.items()))

    def check(self) -> None:
        """Each lot: issued = gone + remaining, none below 0."""
        for lot in self.lots:
            assert min(lot.points.values(), default=0) >= 0, lot
            assert lot.issued == lot.gone + sum(lot.points.values()), lot
        assert self.owed >= 0


def part_of(taken: Iterable[tuple[Lot, int]], skip: int, points: int) -> Taken:
    """Of points that were taken one after the other: those after the first `skip`."""
    part = []
    for lot, here in taken:
        passed = min(skip, here)
        skip -= passed
        wanted = min(points, here - passed)
        points -= wanted
        if wanted:
            part.append((lot, wanted))
    assert points == 0
    return part
