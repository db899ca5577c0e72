"""What receipts add up to. Tallies of parts of the log add up to that of the whole, in any order."""

from collections import Counter
from dataclasses import dataclass, field

from lepta.simulation.judge import Given, Judged


@dataclass(slots=True)
class Figures:
    """Receipts, and what was given for them."""

    receipts: int = 0
    points: int = 0
    money: int = 0

    def add(self, points: int, money: int, receipts: int = 1) -> None:
        """One more receipt."""
        self.receipts += receipts
        self.points += points
        self.money += money

    def merge(self, other: "Figures") -> None:
        """Receipts of another part of the log."""
        self.add(other.points, other.money, other.receipts)


Table = dict[str, Figures]


def _row(table: Table, name: str) -> Figures:
    found = table.get(name)
    if found is None:
        found = table[name] = Figures()
    return found


def _merge(table: Table, other: Table) -> None:
    for name, figures in other.items():
        _row(table, name).merge(figures)


@dataclass(slots=True)
class Draft:
    """Of one draft."""

    total: Figures = field(default_factory=Figures)
    from_shopper: Figures = field(default_factory=Figures)
    applications: int = 0
    funders: Table = field(default_factory=dict)
    funds: Table = field(default_factory=dict)
    products: Table = field(default_factory=dict)
    days: Table = field(default_factory=dict)
    members: set[int] = field(default_factory=set)
    offered: Figures = field(default_factory=Figures)
    reasons: Counter[int] = field(default_factory=Counter)
    """Receipts by `Why`."""

    def add(self, day: str, member: int | None, given: Given) -> None:
        """What it gives for one receipt."""
        points, money = given.points, given.money
        self.total.add(points, money)
        if given.shopper_points or given.shopper_money:
            self.from_shopper.add(given.shopper_points, given.shopper_money)
        self.applications += given.applications
        _row(self.days, day).add(points, money)
        if given.fund is not None:
            _row(self.funds, given.fund).add(points, money)
        for party, *share in given.funders:
            _row(self.funders, party).add(*share)
        counted: set[str] = set()
        for sku, its_points, its_money in given.products:
            # A SKU on several lines is on one receipt.
            _row(self.products, sku).add(its_points, its_money, receipts=sku not in counted)
            counted.add(sku)
        if member is not None:
            self.members.add(member)

    def merge(self, other: "Draft") -> None:
        """What it gives in another part of the log."""
        self.total.merge(other.total)
        self.from_shopper.merge(other.from_shopper)
        self.offered.merge(other.offered)
        self.applications += other.applications
        for own, its in (
            (self.funders, other.funders), (self.funds, other.funds),
            (self.products, other.products), (self.days, other.days),
        ):  # fmt: skip
            _merge(own, its)
        self.members |= other.members
        self.reasons += other.reasons


@dataclass(slots=True)
class Tally:
    """Of all drafts together."""

    looked_at: Counter[str] = field(default_factory=Counter)
    """Receipts of the span by business day, touched or not."""
    touched: int = 0
    unknown: int = 0
    """Receipts of members that do not say all that drafts ask about them."""
    members: set[int] = field(default_factory=set)
    drafts: dict[str, Draft] = field(default_factory=dict)
    now: Table = field(default_factory=dict)
    """What rivals give on receipts that were decided again."""
    booked: Table = field(default_factory=dict)
    """What they gave there, and what the published versions of drafts gave."""

    def add(self, judged: Judged) -> None:
        """Take in one receipt that was decided again."""
        if judged.given:
            self.touched += 1
            if judged.member is not None:
                self.members.add(judged.member)
        for given in judged.given:
            self.of(given.campaign).add(judged.day, judged.member, given)
        for campaign, code in judged.reasons:
            self.of(campaign).reasons[code] += 1
        for campaign, amount in judged.offered:
            self.of(campaign).offered.add(0, amount)
        for campaign, *now in judged.rivals:
            _row(self.now, campaign).add(*now)
        for campaign, *was in judged.booked:
            _row(self.booked, campaign).add(*was)

    def of(self, campaign: str) -> Draft:
        """One draft's."""
        found = self.drafts.get(campaign)
        if found is None:
            found = self.drafts[campaign] = Draft()
        return found

    def merge(self, other: "Tally") -> None:
        """Take in another part of the log."""
        self.looked_at += other.looked_at
        self.touched += other.touched
        self.unknown += other.unknown
        self.members |= other.members
        for name, draft in other.drafts.items():
            self.of(name).merge(draft)
        _merge(self.now, other.now)
        _merge(self.booked, other.booked)
