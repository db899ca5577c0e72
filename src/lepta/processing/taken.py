"""What of one campaign's gift goes back with the goods: by line, then by who bears it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lepta.ledger.entries import Entry
from lepta.money import Ratio, allocate
from lepta.processing.outcome import Borne, Donation, Earned
from lepta.processing.proration import prorated
from lepta.processing.release import Figures
from lepta.processing.reversed import Because, DonationBack, EarnedBack
from lepta.rules.granting import Grant


class Back(NamedTuple):
    """How the goods decide what is back by now of what a campaign gave."""

    parts: Sequence[Ratio]
    """What of each line is back."""
    whole: bool
    """Whether nothing is left of the sale."""
    left: Mapping[str, Grant]
    """By campaign that is judged again: what it gives for the goods that are left."""


def of_earned(earned: Earned, prior: Sequence[EarnedBack], by: Back) -> EarnedBack | None:
    """The points that go back now; `prior` is what went back of them before. None: nothing goes back.

    What goes back is shared by what the entries that carried the points have left of them, by largest remainder: so
    none gives back more than it carried, and the last return takes exactly the rest.
    """
    if by.whole:
        back = earned.points
    elif earned.again:
        before = sum([one.points for one in prior])
        back = _without(earned.points, by.left[earned.campaign].points, before)
    else:
        back = prorated(earned.lines, earned.by_line, by.parts)
    left = dict(earned.legs)
    for leg, points in (each for one in prior for each in one.legs):
        left[leg] -= points
    shared = _shared(back - earned.points + sum(left.values()), list(left.values()))
    legs = tuple([(leg, points) for leg, points in zip(left, shared, strict=True) if points])
    return EarnedBack(earned.campaign, legs) if legs else None


def of_donation(
    donation: Donation,
    prior: Sequence[DonationBack],
    because: Because,
    by: Back,
) -> DonationBack | None:
    """The same of a donation, points and the money behind them; or, of one that is kept, what would go back.

    `prior` is what went back of it before; where it is kept, what was kept.
    """
    points_before, money_before = (
        sum([one.points for one in prior]),
        sum([one.money for one in prior]),
    )
    if donation.again and not by.whole:
        left = by.left[donation.campaign]
        points = _without(donation.points, left.points, points_before)
        money = _without(donation.money, left.money_minor, money_before)
    else:
        share = donation.points or donation.money
        back = share if by.whole else prorated(donation.lines, donation.by_line, by.parts)
        points = back if donation.points else 0
        money = donation.money * back // share
    points -= points_before
    money -= money_before
    if not points and not money:
        return None
    *by_points, shopper_points = _by_payer(points, donation, prior, 0)
    *by_money, shopper_money = _by_payer(money, donation, prior, 1)
    funders = [
        Borne(funder.party, its_money, its_points)
        for funder, its_money, its_points in zip(donation.funders, by_money, by_points, strict=True)
    ]
    return DonationBack(
        donation.campaign, donation.fund, points, money, because, tuple(funders), shopper_points,
        shopper_money,
    )  # fmt: skip


def _without(given: int, left: int, before: int) -> int:
    """What is back by now of an amount of which so much would be given for what is left: nothing is ever given anew, not
    even what went back before.
    """
    return max(given - left, before)


def _by_payer(
    amount: int, donation: Donation, prior: Sequence[DonationBack], unit: int
) -> list[int]:
    """What each funder, and last the shopper, gets back of an amount of points (0) or money (1).

    The shopper has of all that is back by now the own share, an odd unit for the shopper: so in how many parts and in
    which order goods come back makes no difference to what is refunded. Funders share the rest by what they have left.
    """
    *funders, own = _left(donation, prior, unit)
    *all_funders, whole_own = _payers(donation)[unit]
    whole = sum(all_funders) + whole_own
    by_now = amount + whole - own - sum(funders)
    shopper = own - whole_own - (-whole_own * by_now // whole) if whole_own else 0
    return [*_shared(amount - shopper, funders), shopper]


def _left(donation: Donation, prior: Iterable[DonationBack], unit: int) -> list[int]:
    """What each funder, and last the shopper, has not got back of the points (0) or the money (1)."""
    left = _payers(donation)[unit]
    for one in prior:
        left = [had - back for had, back in zip(left, _payers(one)[unit], strict=True)]
    return left


def _payers(gift: Donation | DonationBack) -> tuple[list[int], list[int]]:
    points = [*[funder.points for funder in gift.funders], gift.shopper_points]
    money = [*[funder.money for funder in gift.funders], gift.shopper_money]
    return points, money


def _shared(amount: int, left: Sequence[int]) -> list[int]:
    assert 0 <= amount <= sum(left), (amount, left)
    return allocate(amount, left) if amount else [0] * len(left)


def figures_of_earned(backs: Iterable[Earned | EarnedBack], entries: Sequence[Entry]) -> Figures:
    """What counters make of earned points; `entries` are the sale's."""
    by_funder: dict[str, tuple[int, int]] = {}
    for leg, points in (each for back in backs for each in back.legs):
        party = entries[leg].debit.ref
        by_funder[party] = (by_funder.get(party, (0, 0))[0] + points, 0)
    total = sum([points for points, _ in by_funder.values()])
    return Figures(total, total, 0, 0, by_funder)


def figures_of_donation(donation: Donation, backs: Iterable[Donation | DonationBack]) -> Figures:
    """The same of a donation: of so much of it as `backs` are. Whether it is the shopper's own gift, the whole says:
    of a part the shopper's share may be 0.
    """
    points, money, own_money = 0, 0, 0
    by_funder: dict[str, tuple[int, int]] = {}
    for back in backs:
        points += back.points
        money += back.money
        own_money += back.shopper_money
        for funder in back.funders:
            had = by_funder.get(funder.party, (0, 0))
            by_funder[funder.party] = (had[0] + funder.points, had[1] + funder.money)
    share = points if donation.points else money
    counted = own_money if donation.shopper_money else money
    return Figures(share, points, money, counted, by_funder)
