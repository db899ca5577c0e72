"""What of the limits is free again when a campaign's gift goes back: as much of each counter as of what it counts."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lepta.rules.limits import Counter
from lepta.rules.watch import COUNTED


class Figures(NamedTuple):
    """What of a campaign's gift its counters count."""

    share: int
    """The figure by which it goes back: points, of money gifts money."""
    points: int
    money: int
    counted_money: int
    """Of `money` what its budget counts: where the shopper gives, what they gave; a match counts the others'."""
    funders: Mapping[str, tuple[int, int]]
    """Points and money of each."""

    def of(self, counter: Counter) -> int:
        """The figure that a counter of the campaign goes by."""
        _, what, *rest = counter.split("|")
        unit = rest[-1] if rest else ""
        if what == "budget":
            return self.points if unit == "points" else self.counted_money
        if what in {"funder", "match"} and len(rest) == 2:
            points, money = self.funders.get(rest[0], (0, 0))
            return points if unit == "points" else money
        if what == "match":
            return self.money - self.counted_money
        return self.share


class Course(NamedTuple):
    """What of a campaign's gift had gone back before a reversal, and what has by now."""

    whole: Figures
    before: Figures
    by_now: Figures


def released(
    used: Sequence[tuple[Counter, int]],
    given: Mapping[str, Course],
    *,
    ended: bool,
) -> list[tuple[Counter, int]]:
    """What a reversal adds to the counters that the sale used, all below 0.

    `given` is by campaign; `ended`: whether nothing is left of the sale from now on, which releases what belongs to
    no campaign's gift: its visit.
    """
    back = []
    for counter, amount in used:
        campaign, what, *_ = counter.split("|")
        if what in COUNTED:
            continue  # it took place, whatever became of it
        if campaign in given and what not in {"visits", "visit"}:
            whole, before, by_now = given[campaign]
            freed = _part(counter, amount, whole, by_now) - _part(counter, amount, whole, before)
        else:
            freed = amount if ended else 0
        if freed:
            back.append((counter, -freed))
    return back


def _part(counter: Counter, used: int, whole: Figures, back: Figures) -> int:
    """Rounded down, so that a limit is never free for more than went back."""
    total = whole.of(counter)
    if not total:
        return used * back.share // whole.share
    return used * back.of(counter) // total
