"""What a sale comes to in the simple model: redemption, then points and donations, then the shopper's gifts.

The terms: a point is worth 10 kopecks and pays at most half of a sale. `base` gives points for each full 20.00 that are
paid. `tea` gives 7 points a unit, which wait for two days, for 20 units in all and 6 a member. `hunter` gives 50 points and
5.00 a unit to the forest, two thirds of it the supplier's, within a budget. The shopper may give 5 points (`own`) and
round the bill up to 10.00 (`round-up`). The store's retailer issues the points; who honours another's is owed their worth.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from simple_purse import Lot, Taken, shared
from simple_said import MOST, Name, Sale

POINT, WEIGHTS, FUNDERS = 10, (333_333, 666_667), ("retail-nsk", "hunter-foods")
TEA, TEA_UNITS, TEA_PER_CARD, TEA_WAITS_DAYS = 7, 20, 6, 2
HUNTER_POINTS, HUNTER_MONEY = 50, 500
OWN, ROUND_TO = 5, 1_000
EARNING = ("active", "not-activated")


class Refusal(Exception):
    """What the service refuses, by its slug."""

    def __init__(self, code: str, **members: Any) -> None:
        super().__init__(code)
        self.said = {"refused": code, **members}


@dataclass
class Earned:
    """Points of one campaign: by line, and in which pieces they were booked: a lot, or None where they paid a debt."""

    campaign: str
    points: int
    by_line: dict[int, int]
    pieces: list[tuple[Lot | None, int]] = field(default_factory=list)
    back: list[int] = field(default_factory=list)
    """What of each piece went back."""


@dataclass
class Donation:
    campaign: str
    points: int
    money: int
    units: int
    funders: list[tuple[str, int, int]]
    """(party, money, points)."""
    own_points: int
    own_money: int
    by_line: dict[int, int]

    @property
    def is_own(self) -> bool:
        """What shoppers gave of their own stays with the fund when goods come back."""
        return self.campaign != "hunter"

    def told(self) -> tuple[Any, ...]:
        return (
            self.campaign, self.points, self.money, self.units, self.funders, self.own_points, self.own_money
        )  # fmt: skip

    def back(self) -> tuple[Any, ...]:
        """As what came back is told: units are not."""
        return (
            self.campaign,
            self.points,
            self.money,
            self.funders,
            self.own_points,
            self.own_money,
        )


@dataclass
class Seen:
    """What a sale is judged on."""

    status: str
    spendable: int
    """What the member may spend on the day, with what comes back from a hold."""
    member: str | None
    rate: int
    budget: int
    used: Counter[str]


@dataclass
class Verdict:
    redeemed: int = 0
    shortfall: int = 0
    by_line: list[int] = field(default_factory=list)
    earned: list[Earned] = field(default_factory=list)
    donations: list[Donation] = field(default_factory=list)
    offers: dict[str, int] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    used: Counter[str] = field(default_factory=Counter)

    @property
    def given(self) -> int:
        return sum(donation.own_points for donation in self.donations)

    def promised(self) -> tuple[Any, ...]:
        """What a quote says of it."""
        earned = [(one.campaign, one.points, one.by_line) for one in self.earned]
        gifts = [one.told() for one in self.donations]
        offers = {offer: amount for offer, amount in self.offers.items() if amount}
        return self.redeemed, self.shortfall, self.by_line, earned, gifts, offers


@dataclass
class Sold:
    """A sale that is recorded, and what came back of it."""

    sale: Sale
    place: int
    member: str | None
    verdict: Verdict
    spent: Taken = field(default_factory=list)
    voided: bool = False
    tombstone: Name | None = None
    quantities: Counter[int] = field(default_factory=Counter)
    """By line: what is back by now, and of its amount."""
    amounts: Counter[int] = field(default_factory=Counter)
    total_back: int = 0
    restored: int = 0
    gifts_back: int = 0
    refunded: int = 0
    lapsed: Counter[tuple[int, int]] = field(default_factory=Counter)
    """By lot: points that had expired when they were to go back."""
    donations_back: dict[str, list[Donation]] = field(default_factory=dict)
    kept: dict[str, list[Donation]] = field(default_factory=dict)

    @property
    def to_pay(self) -> int:
        gifts = sum(donation.own_money for donation in self.verdict.donations)
        return self.sale.total - self.verdict.redeemed * POINT + gifts


def brought_down(sale: Sale) -> list[int]:
    """What the lines cost, so that they sum to the total."""
    amounts = [line.amount for line in sale.lines]
    less = sum(amounts) - sale.total
    if not less or not sum(amounts):
        return amounts
    return [amount - part for amount, part in zip(amounts, shared(less, amounts), strict=True)]


def most_redeemable(sale: Sale, seen: Seen) -> int:
    """What is there, half of the goods, and not more than the sale."""
    if seen.status != "active":
        return 0
    goods = sum(brought_down(sale))
    return max(min(seen.spendable, goods // (2 * POINT), sale.total // POINT), 0)


def judged(sale: Sale, seen: Seen) -> Verdict:
    """What a sale comes to; raises `Refusal`."""
    verdict, gross = Verdict(), brought_down(sale)
    ceiling = most_redeemable(sale, seen)
    asked = ceiling if sale.redeem == MOST else sale.redeem
    if asked > ceiling and not sale.offline:
        raise Refusal("insufficient-points", redeemable=ceiling)
    verdict.redeemed = min(asked, ceiling)
    verdict.shortfall = asked - verdict.redeemed
    net = list(gross)
    verdict.by_line = [0] * len(gross)
    if verdict.redeemed:
        verdict.by_line = shared(verdict.redeemed, gross)
        paid = shared(verdict.redeemed * POINT, gross)
        net = [amount - part for amount, part in zip(gross, paid, strict=True)]
    if seen.status in EARNING:
        _base(verdict, seen, net)
        _tea(verdict, sale, seen, gross)
    _hunter(verdict, sale, seen, gross)
    _own(verdict, sale, seen, gross)
    _round_up(verdict, sale, gross)
    known = set(verdict.offers)
    if any(gift.accepted and gift.offer not in known for gift in sale.gifts):
        verdict.flags.add("unknown-gift")
    if verdict.shortfall:
        verdict.flags.add("shortfall")
    return verdict


def _base(verdict: Verdict, seen: Seen, net: list[int]) -> None:
    points = sum(net) // 2_000 * seen.rate
    if points:
        verdict.earned.append(Earned("base", points, _by_line(points, net)))


def _units(sale: Sale, sku: str, gross: list[int]) -> tuple[int, int]:
    """Whole units of a product that cost something, and the position of its line."""
    for n, line in enumerate(sale.lines):
        if line.sku == sku and gross[n] > 0:
            return int(line.quantity), n
    return 0, 0


def _tea(verdict: Verdict, sale: Sale, seen: Seen, gross: list[int]) -> None:
    units, n = _units(sale, "tea", gross)
    card = f"tea|card|{seen.member}"
    units = min(
        units, max(TEA_UNITS - seen.used["tea|units"], 0), max(TEA_PER_CARD - seen.used[card], 0)
    )
    if units:
        verdict.earned.append(Earned("tea", units * TEA, {n: units * TEA}))
        verdict.used.update({"tea|units": units, card: units})


def _hunter(verdict: Verdict, sale: Sale, seen: Seen, gross: list[int]) -> None:
    units, n = _units(sale, "hunter", gross)
    left = max(seen.budget - seen.used["hunter|budget|money"], 0)
    units = min(units, left // HUNTER_MONEY)
    if not units:
        return
    points, money = units * HUNTER_POINTS, units * HUNTER_MONEY
    parts = zip(FUNDERS, shared(money, WEIGHTS), shared(points, WEIGHTS), strict=True)
    verdict.donations.append(
        Donation("hunter", points, money, units, list(parts), 0, 0, {n: points})
    )
    verdict.used["hunter|budget|money"] += money


def _own(verdict: Verdict, sale: Sale, seen: Seen, gross: list[int]) -> None:
    free = seen.spendable - verdict.redeemed if seen.status == "active" else 0
    if free < OWN:
        return
    verdict.offers["own"] = OWN
    points = _taken(verdict, sale, "own", OWN)
    if points > free:
        verdict.offers.pop("own")
        verdict.flags.discard("gift-differs")
    elif points:
        money = points * POINT
        verdict.donations.append(own_gift(points, _by_line(points, gross), money))


def own_gift(points: int, by_line: dict[int, int], money: int) -> Donation:
    """Points of the shopper's own; the retailer pays the money behind them."""
    return Donation("own", points, money, 1, [("retail-nsk", money, 0)], points, 0, by_line)


def _round_up(verdict: Verdict, sale: Sale, gross: list[int]) -> None:
    due = sale.total - verdict.redeemed * POINT
    gap = -due % ROUND_TO if due > 0 else 0
    verdict.offers["round-up"] = gap
    money = _taken(verdict, sale, "round-up", gap)
    if money:
        donation = Donation("round-up", 0, money, 1, [], 0, money, _by_line(money, gross))
        verdict.donations.append(donation)


def _taken(verdict: Verdict, sale: Sale, offer: str, ours: int) -> int:
    """What the shopper gives of what is offered; raises `Refusal` where the till took something else."""
    for gift in sale.gifts:
        if gift.offer == offer and gift.accepted:
            taken = ours if gift.amount is None else gift.amount
            if taken != ours and not sale.offline:
                raise Refusal("quote-stale", because="gift")
            if taken != ours:
                verdict.flags.add("gift-differs")
            return taken
    return 0


def _by_line(amount: int, weights: list[int]) -> dict[int, int]:
    """By position, of the lines that weigh anything."""
    own = [n for n, weight in enumerate(weights) if weight > 0]
    if not own:
        return {}
    parts = zip(own, shared(amount, [weights[n] for n in own]), strict=True)
    return {n: part for n, part in parts if part}


def prorated(by_line: Mapping[int, int], parts: list[Fraction]) -> int:
    """What goes with the parts of the lines that are back: of each line rounded down."""
    return sum(int(amount * parts[n]) for n, amount in by_line.items())
