"""What campaigns gave with one sale, by line and by who bears it: all that a return needs to take its part back.

As arrays, each lies in the outcome; what follows from the rest is left out there. So shares that are not there are
those of `in_proportion`: it must never come to others.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from lepta.ledger.entries import Code
from lepta.money import allocate
from lepta.processing.events import Checkout
from lepta.rules import redemption
from lepta.rules.effects import Donate, Earn

Legs = tuple[tuple[int, int], ...]
"""(number of an entry of the event, points) of the entries that carry what a campaign gave: who issued it, into
which lot.
"""

_EARNING = frozenset({int(Code.EARN), int(Code.REPAY)})
"""Codes of the entries that carry earned points."""


class Earned(NamedTuple):
    """Points through one campaign."""

    campaign: str
    points: int
    units: int
    lines: tuple[int, ...]
    """Positions of the basket's lines that it matched."""
    by_line: tuple[int, ...]
    """Points of each of `lines`; they sum to `points`."""
    legs: Legs
    """Theirs sum to `points`, too; several campaigns may share an entry."""
    keep: bool = False
    """Whether the points stay with the shopper where goods come back: the campaign's `returns: keep`."""
    again: int = 0
    """The campaign's version, where it is judged again on what is left of the goods; 0: they go back in proportion."""


class Borne(NamedTuple):
    """What one funder bears of a donation."""

    party: str
    money: int
    points: int


class Donation(NamedTuple):
    """`money` = the funders' + the shopper's, and so are `points`; minor units and smallest points."""

    campaign: str
    fund: str
    points: int
    money: int
    units: int
    funders: tuple[Borne, ...]
    shopper_points: int
    shopper_money: int
    lines: tuple[int, ...]
    """Positions of the basket's lines it was given for; of the whole sale, of all that cost something."""
    by_line: tuple[int, ...]
    """What of it each of `lines` carries: of its `points`, or where it gives none, of its `money`."""
    keep: bool = False
    """Whether it stays with the fund where goods come back: the campaign's `returns: keep`."""
    whole_sale: bool = False
    """Whether it was given for the sale as a whole, not for these lines of it."""
    matched: int = 0
    """Of the funders' money: what companies added to the shopper's gift."""
    again: int = 0
    """As of `Earned`."""

    @property
    def given_for(self) -> tuple[int, ...]:
        """Positions of the lines to name with it; none: it was given for the sale as a whole."""
        return () if self.whole_sale else self.lines


def amounts_of(event: Checkout) -> list[int]:
    """What each line costs, as the rules see it: brought down to the total."""
    return redemption.spread(event.total, [line.amount for line in event.lines])


def in_proportion(total: int, lines: Sequence[int], amounts: Sequence[int]) -> tuple[int, ...]:
    """What each of `lines` carries of `total` by what it costs, by largest remainder; a single one carries all.

    Nothing where several cost nothing.
    """
    if len(lines) == 1:
        return (total,)
    weights = [max(amounts[at], 0) for at in lines]
    return tuple(allocate(total, weights)) if any(weights) else ()


def earned_arrays(earned: Sequence[Earned], amounts: Sequence[int]) -> list[list[Any]]:
    """In the order of the fields. Left out are shares in proportion to the lines' `amounts`, the points of a single
    leg, all legs where one campaign alone earned, and the leg of those in the first entry that anybody earned by.
    """
    first = min([leg for each in earned for leg, _ in each.legs])
    arrays: list[list[Any]] = []
    for campaign, points, units, lines, by_line, legs, keep, again in earned:
        shares = () if by_line == in_proportion(points, lines, amounts) else by_line
        carried: Sequence[Any] = legs if len(legs) > 1 else legs[0][:1]
        if len(earned) == 1 or carried == (first,):
            carried = ()
        array = [campaign, points, units, lines, shares, carried, int(keep), again]
        arrays.append(_trimmed(array, 4))
    return arrays


def read_earned(
    arrays: Sequence[Sequence[Any]], amounts: Sequence[int], entries: Sequence[Sequence[int]]
) -> tuple[Earned, ...]:
    """What `earned_arrays` made; `entries` are the event's, as its leaf has them."""
    if not arrays:
        return ()
    own = tuple([(leg, entry[2]) for leg, entry in enumerate(entries) if entry[3] in _EARNING])
    return tuple([_earned(amounts, own, len(arrays), *array) for array in arrays])


def _earned(  # noqa: PLR0917 - the order is the stored one
    amounts: Sequence[int],
    own: Legs,
    campaigns: int,
    campaign: str,
    points: int,
    units: int,
    lines: list[int],
    by_line: Sequence[int] = (),
    carried: Sequence[Any] = (),
    keep: int = 0,
    again: int = 0,
) -> Earned:
    """`own`: every entry of the event that carries earned points; `campaigns`: how many share them."""
    if not carried:
        legs = own if campaigns == 1 else ((own[0][0], points),)
    elif len(carried) == 1:
        legs = ((carried[0], points),)
    else:
        legs = tuple([(leg, part) for leg, part in carried])
    shares = tuple(by_line) or in_proportion(points, lines, amounts)
    return Earned(campaign, points, units, tuple(lines), shares, legs, bool(keep), again)


def donation_array(donation: Donation, amounts: Sequence[int]) -> list[Any]:
    """In the order of the fields. Left out are shares in proportion to the lines' `amounts`, all lines where it is the
    whole sale's, and of a funder who bears no points these. In place of `keep` stands 1 where it is not as usual: that what
    shoppers gave stays, and what others gave does not.
    """
    lines, by_line, keep, whole_sale, matched, again = donation[8:]
    if whole_sale:
        lines = by_line = ()
    elif by_line == in_proportion(donation.points or donation.money, lines, amounts):
        by_line = ()
    unusual = int(keep is not _is_shoppers(donation.shopper_points, donation.shopper_money))
    added = matched if donation.shopper_points else 0
    array: list[Any] = [*donation[:8], lines, by_line, unusual, added, again]
    array[5] = [tuple(funder) if funder.points else funder[:2] for funder in donation.funders]
    return _trimmed(array, 8)


def read_donation(array: Sequence[Any], amounts: Sequence[int]) -> Donation:
    """What `donation_array` made."""
    return _donation(amounts, *array)


def _donation(  # noqa: PLR0917 - the order is the stored one
    amounts: Sequence[int],
    campaign: str,
    fund: str,
    points: int,
    money: int,
    units: int,
    funders: list[list[Any]],
    shopper_points: int,
    shopper_money: int,
    lines: Sequence[int] = (),
    by_line: Sequence[int] = (),
    unusual: int = 0,
    matched: int = 0,
    again: int = 0,
) -> Donation:
    total, whole_sale = points or money, not lines
    if whole_sale:
        lines = [at for at, amount in enumerate(amounts) if amount > 0]
    return Donation(
        campaign, fund, points, money, units, tuple([_borne(*funder) for funder in funders]),
        shopper_points, shopper_money, tuple(lines),
        tuple(by_line) or in_proportion(total, lines, amounts),
        _is_shoppers(shopper_points, shopper_money) is not bool(unusual), whole_sale,
        money - shopper_money if shopper_money else matched, again,
    )  # fmt: skip


def _is_shoppers(points: int, money: int) -> bool:
    return bool(points or money)


def _borne(party: str, money: int, points: int = 0) -> Borne:
    return Borne(party, money, points)


def _trimmed(array: list[Any], least: int) -> list[Any]:
    """Without what is nothing at its end, beyond its `least` parts."""
    while len(array) > least and not array[-1]:
        array.pop()
    return array


def donation_of(give: Donate) -> Donation:
    """What the rules gave, as it is kept."""
    funders = tuple([Borne(f.party, f.money_minor, f.points) for f in give.funders])
    lines, shares = parted(give.by_line)
    return Donation(
        give.campaign, give.fund, give.points, give.money_minor, give.applications, funders,
        give.shopper_points, give.shopper_money_minor, lines, shares, give.keep, give.whole_sale,
        give.matched_minor, give.again,
    )  # fmt: skip


def earned_of(earn: Earn, legs: Legs) -> Earned:
    """Points that the rules gave, as they are kept: `legs` are the entries that carry them."""
    lines, shares = parted(earn.by_line)
    return Earned(
        earn.campaign, earn.points, earn.applications, lines, shares, legs, earn.keep, earn.again
    )  # fmt: skip


def parted(by_line: Sequence[tuple[int, int]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Positions, and their shares."""
    return tuple([position for position, _ in by_line]), tuple([share for _, share in by_line])
