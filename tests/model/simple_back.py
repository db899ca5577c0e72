"""What comes back in the simple model: a sale is void, or goods of it are returned, in any number of parts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from math import ceil
from typing import Any

from simple_books import FUND_POINTS, REDEEMED, RETAILERS, Books, issued
from simple_purse import Lot, Purse, Taken, part_of, shared
from simple_said import Return
from simple_sale import POINT, Donation, Refusal, Sold, prorated

GRACE_DAYS = 3


@dataclass
class Ground:
    """Where and under what terms something comes back."""

    books: Books
    on: date
    place: int
    owes: bool
    """Whether who has spent the points already owes them, or they are written off."""


def left_of(sold: Sold) -> list[tuple[int, Fraction, int]]:
    """What may still come back of each line."""
    if sold.voided:
        return []
    rest = [
        (one.number, one.quantity - sold.quantities[one.number], one.amount - sold.amounts[one.number])
        for one in sold.sale.lines
    ]  # fmt: skip
    return [(number, quantity, amount) for number, quantity, amount in rest if quantity]


def bring(sold: Sold, goods: Return) -> None:
    """Take goods back; raises `Refusal` for more than is left."""
    lines = {line.number: line for line in sold.sale.lines}
    quantities, amounts = sold.quantities.copy(), sold.amounts.copy()
    for back in goods.lines:
        quantities[back.line] += back.quantity  # type: ignore[assignment]
        amounts[back.line] += back.amount
    over = any(
        back.line not in lines
        or quantities[back.line] > lines[back.line].quantity
        or amounts[back.line] > lines[back.line].amount
        for back in goods.lines
    )
    if sold.voided or over or sold.total_back + goods.total > sold.sale.total:
        raise Refusal("over-return", left=left_of(sold))
    sold.quantities, sold.amounts = quantities, amounts
    sold.total_back += goods.total


def taken_back(sold: Sold, goods: Return | None, ground: Ground) -> dict[str, Any]:
    """Take back what goes with these goods; None: with all that is left, since the sale is void."""
    if goods is not None:
        bring(sold, goods)
    elif sold.voided:
        raise Refusal("over-return", left=[])
    void = goods is None
    lines = sold.sale.lines
    parts = [Fraction(sold.quantities[line.number]) / line.quantity for line in lines]
    whole = void or sold.voided or all(part == 1 for part in parts)
    if whole:
        parts = [Fraction(1)] * len(lines)
    restored = _restored(sold, parts, whole=whole)
    earned = _earned_back(sold, parts, whole=whole)
    gone, kept = _donations_back(sold, parts, whole=whole, void=void)
    told: dict[str, Any] = dict.fromkeys(
        ("clawed", "owed", "shortfall", "repaid", "lapsed", "renewed"), 0
    )
    own = [donation for donation in gone if donation.own_points]
    if restored or any(map(sum, earned)) or own:
        assert sold.member is not None
        taking = _Taking(sold, ground, ground.books.purse(sold.member))
        told = taking.run(restored, own, earned)
    _release(sold, earned, gone, ground.books)
    for donation in gone:
        _ungive(sold, donation, ground.books)
    for donation in kept:
        sold.kept.setdefault(donation.campaign, []).append(donation)
    sold.restored += restored
    sold.gifts_back += sum(donation.own_money for donation in gone)
    due = sold.total_back - sold.restored * POINT + sold.gifts_back
    refund = max((sold.to_pay if void else due) - sold.refunded, 0)
    sold.refunded += refund
    sold.voided = sold.voided or void
    donations = [(*d.back(), False) for d in gone] + [(*d.back(), True) for d in kept]
    return {**told, "restored": restored, "to_refund": refund, "donations": sorted(donations)}


def _restored(sold: Sold, parts: list[Fraction], *, whole: bool) -> int:
    redeemed = sold.verdict.redeemed
    if not whole:
        redeemed = prorated(dict(enumerate(sold.verdict.by_line)), parts)
    return redeemed - sold.restored


def _earned_back(sold: Sold, parts: list[Fraction], *, whole: bool) -> list[list[int]]:
    """Of each campaign what goes back of its pieces, shared by what is left of them."""
    found = []
    for earned in sold.verdict.earned:
        by_now = earned.points if whole else prorated(earned.by_line, parts)
        left = [points - back for (_, points), back in zip(earned.pieces, earned.back, strict=True)]
        now = by_now - sum(earned.back)
        found.append(shared(now, left) if now else [0] * len(left))
    return found


def _donations_back(
    sold: Sold, parts: list[Fraction], *, whole: bool, void: bool
) -> tuple[list[Donation], list[Donation]]:
    """What goes back of donations, and what stays though its goods go back."""
    gone: list[Donation] = []
    kept: list[Donation] = []
    for donation in sold.verdict.donations:
        stays = donation.is_own and not void
        before = (sold.kept if stays else sold.donations_back).get(donation.campaign, [])
        back = _part_of(donation, before, parts, whole=whole)
        if back.points or back.money:
            (kept if stays else gone).append(back)
    return gone, kept


def _part_of(
    donation: Donation, before: Sequence[Donation], parts: list[Fraction], *, whole: bool
) -> Donation:
    share = donation.points or donation.money
    back = share if whole else prorated(donation.by_line, parts)
    points = (back if donation.points else 0) - sum(one.points for one in before)
    money = donation.money * back // share - sum(one.money for one in before)
    own_points = _own(donation.own_points, donation.points, [d.own_points for d in before],
                      points + sum(one.points for one in before))  # fmt: skip
    own_money = _own(donation.own_money, donation.money, [d.own_money for d in before],
                     money + sum(one.money for one in before))  # fmt: skip
    by_money = _shares(money - own_money, [_money(one) for one in (donation, *before)])
    by_points = _shares(points - own_points, [_points(one) for one in (donation, *before)])
    parties = [party for party, _, _ in donation.funders]
    funders = list(zip(parties, by_money, by_points, strict=True))
    return Donation(
        donation.campaign, points, money, donation.units, funders, own_points, own_money, {}
    )


def _own(own: int, whole: int, before: list[int], by_now: int) -> int:
    """The shopper's share of what is back by now, rounded up for them, less what they had before."""
    return ceil(Fraction(own * by_now, whole)) - sum(before) if own else 0


def _shares(amount: int, parts: Sequence[list[int]]) -> list[int]:
    """What each funder gets back, by what each has left: the first part is what they gave, the others came back."""
    left, *before = parts
    for back in before:
        left = [rest - its for rest, its in zip(left, back, strict=True)]
    return shared(amount, left) if amount else [0] * len(left)


def _money(donation: Donation) -> list[int]:
    return [money for _, money, _ in donation.funders]


def _points(donation: Donation) -> list[int]:
    return [points for _, _, points in donation.funders]


def _ungive(sold: Sold, donation: Donation, books: Books) -> None:
    """Take a donation back; the last of it takes it out of the count, too."""
    back = sold.donations_back.setdefault(donation.campaign, [])
    back.append(donation)
    (whole,) = [one for one in sold.verdict.donations if one.campaign == donation.campaign]
    sums = sum(one.points for one in back), sum(one.money for one in back)
    books.donate(
        donation,
        sold.member,
        -1,
        store=sold.sale.name[0],
        counts=sums == (whole.points, whole.money),
    )


def _release(sold: Sold, earned: list[list[int]], gone: Sequence[Donation], books: Books) -> None:
    """What of the limits is free again; a part of a unit is not."""
    for one, now in zip(sold.verdict.earned, earned, strict=True):
        before = sum(one.back)
        by_now = before + sum(now)
        one.back = [had + back for had, back in zip(one.back, now, strict=True)]
        for counter, used in sold.verdict.used.items():
            if counter.startswith(f"{one.campaign}|"):
                books.used[counter] -= used * by_now // one.points - used * before // one.points
    for donation in gone:
        if donation.campaign == "hunter":
            books.used["hunter|budget|money"] -= donation.money


@dataclass
class _Taking:
    """What happens to the member's points: first what they spent comes back, then what they earned is taken."""

    sold: Sold
    ground: Ground
    purse: Purse
    nowhere: list[tuple[str, Lot, int]] = field(default_factory=list)
    """Points whose lot has ended: where they come from, the lot, how many."""

    @property
    def _free(self) -> str:
        return f"member/{self.sold.member}/available"

    @property
    def _retailer(self) -> str:
        return RETAILERS[self.sold.sale.name[0]]

    def run(self, restored: int, own: list[Donation], earned: list[list[int]]) -> dict[str, Any]:
        before, told = self.purse.owed, {"clawed": 0, "owed": 0, "shortfall": 0, "lapsed": 0}
        if restored:
            back = part_of(self.sold.spent, self.sold.restored, restored)
            self._put(REDEEMED, back)
            self.ground.books.clear(back, self._retailer, -1)
            self.ground.books.book(REDEEMED, self._free, restored)
        for gift in own:  # the books get it with the donation
            self._put(
                FUND_POINTS, part_of(self.sold.spent, self.sold.verdict.redeemed, gift.own_points)
            )
        for points, may_owe in self._take_own(earned, told):
            elsewhere = self._take_any(points)
            self._claw(self._free, elsewhere, told)
            if may_owe:
                told["owed"] += points - elsewhere
                self.purse.owed += points - elsewhere
                self._claw(f"member/{self.sold.member}/owed", points - elsewhere, told)
            else:
                told["shortfall"] += points - elsewhere
        repaid = self._take_any(before)
        self.purse.owed -= repaid
        self.ground.books.book(self._free, f"member/{self.sold.member}/owed", repaid)
        return {**told, "repaid": repaid, "renewed": self._renew()}

    def _take_own(self, earned: list[list[int]], told: dict[str, int]) -> list[tuple[int, bool]]:
        """Take the sale's own lots; what they miss is (points, whether it may be owed). A paid debt comes first."""
        debts, rests = 0, []
        for one, now in zip(self.sold.verdict.earned, earned, strict=True):
            for (lot, _), points in zip(one.pieces, now, strict=True):
                if lot is None:
                    debts += points
                    continue
                rest = points
                for place in ("pending", "available"):
                    here = min(rest, lot.points[place])
                    lot.move(place, None, here)
                    self._claw(f"member/{self.sold.member}/{place}", here, told)
                    rest -= here
                lapsed = min(rest, lot.expired - self.sold.lapsed[lot.place])
                self.sold.lapsed[lot.place] += lapsed
                told["lapsed"] += lapsed
                rests.append((rest - lapsed, self.ground.owes))
        return [(debts, True), *rests]

    def _put(self, source: str, taken: Taken) -> None:
        for lot, points in taken:
            if lot.last < self.ground.on:
                self.nowhere.append((source, lot, points))
            else:
                lot.put(points)

    def _take_any(self, points: int) -> int:
        """Up to so many that may be spent, those first that no lot holds; how many there were."""
        wanted, kept = points, []
        for source, lot, had in self.nowhere:
            here = min(had, points)
            points -= here
            if had > here:
                kept.append((source, lot, had - here))
        self.nowhere = kept
        for lot, here in self.purse.pick(points, self.ground.on):
            lot.move("available", None, here)
            points -= here
        return wanted - points

    def _claw(self, holder: str, points: int, told: dict[str, int]) -> None:
        told["clawed"] += points
        self.ground.books.book(holder, issued(self._retailer), points)

    def _renew(self) -> int:
        """What came back to lots that have ended makes new ones, by where it comes from and who issued it."""
        new: dict[tuple[bool, str], int] = {}
        for source in (REDEEMED, FUND_POINTS):
            for one, lot, points in self.nowhere:
                if one == source:
                    name = (source == FUND_POINTS, lot.issuer)
                    new[name] = new.get(name, 0) + points
        last = self.ground.on + timedelta(days=GRACE_DAYS)
        for n, ((_, issuer), points) in enumerate(new.items()):
            self.purse.add(Lot(last, (self.ground.place, n), None, issuer), points)
        return sum(new.values())
