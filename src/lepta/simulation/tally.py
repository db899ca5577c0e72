"""What receipts add up to. Tallies of parts of the log add up to that of the whole, in any order."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lepta.money import allocate
from lepta.rules.effects import Donate, Earn, Effect
from lepta.rules.engine import Outcome
from lepta.rules.facts import Line
from lepta.simulation.judge import Case
from lepta.simulation.plan import Plan


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

    def add(self, case: Case, effect: Effect) -> None:
        """What it gives for one receipt."""
        points, money, lines = effect.points, 0, case.matched.facts.lines
        if isinstance(effect, Earn):
            self._add_products([(lines[at].sku, part, 0) for at, part in effect.by_line])
        else:
            money = effect.money_minor
            if effect.shopper_points or effect.shopper_money_minor:
                self.from_shopper.add(effect.shopper_points, effect.shopper_money_minor)
            _row(self.funds, effect.fund).add(points, money)
            self._add_products(_over_products(effect, lines))
        self.total.add(points, money)
        self.applications += effect.applications
        _row(self.days, case.day).add(points, money)
        for funder in effect.funders:
            _row(self.funders, funder.party).add(funder.points, funder.money_minor)
        if case.member is not None:
            self.members.add(case.member)

    def _add_products(self, parts: Iterable[tuple[str, int, int]]) -> None:
        """A SKU on several lines is on one receipt."""
        table, counted = self.products, set()
        for sku, points, money in parts:
            row = table.get(sku)
            if row is None:
                row = table[sku] = Figures()
            row.points += points
            row.money += money
            if sku not in counted:
                row.receipts += 1
                counted.add(sku)

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

    drafts: dict[str, Draft]
    looked_at: Counter[str] = field(default_factory=Counter)
    """Receipts of the span by business day, touched or not."""
    touched: int = 0
    unknown: int = 0
    """Receipts of members that do not say all that drafts ask about them."""
    members: set[int] = field(default_factory=set)
    now: Table = field(default_factory=dict)
    """What rivals give on receipts that were decided again."""
    booked: Table = field(default_factory=dict)
    """What they gave there, and what the published versions of drafts gave."""

    @classmethod
    def of(cls, plan: Plan) -> "Tally":
        """Before the first receipt."""
        return cls({name: Draft() for name in plan.drafts})

    def add(self, case: Case, outcome: Outcome) -> None:
        """Take in one receipt that was decided again."""
        drafts, touched = self.drafts, False
        for effect in outcome.effects:
            draft = drafts.get(effect.campaign)
            if draft is None:
                _row(self.now, effect.campaign).add(effect.points, _money(effect))
            else:
                touched = True
                draft.add(case, effect)
        if touched:
            self.touched += 1
            if case.member is not None:
                self.members.add(case.member)
        for campaign, points, money in case.booked:
            _row(self.booked, campaign).add(points, money)
        self._explain(case, outcome)

    def _explain(self, case: Case, outcome: Outcome) -> None:
        names, considered = case.names, False
        for number, code, _ in outcome.reasons:
            draft = self.drafts.get(names[number])
            if draft is not None:
                considered = True
                draft.reasons[code] += 1
        if considered and case.is_unknown:
            self.unknown += 1
        for offer in outcome.offers:
            if offer.amount_minor and (draft := self.drafts.get(offer.campaign)):
                draft.offered.add(0, offer.amount_minor)

    def merge(self, other: "Tally") -> None:
        """Take in another part of the log."""
        self.looked_at += other.looked_at
        self.touched += other.touched
        self.unknown += other.unknown
        self.members |= other.members
        for name, draft in other.drafts.items():
            self.drafts[name].merge(draft)
        _merge(self.now, other.now)
        _merge(self.booked, other.booked)


def _money(effect: Effect) -> int:
    return effect.money_minor if isinstance(effect, Donate) else 0


def _over_products(effect: Donate, lines: Sequence[Line]) -> Iterable[tuple[str, int, int]]:
    """As it is booked by line; the other of points and money in the same proportion. What is for the whole sale, as the
    shopper's own money, is for no product.
    """
    if effect.whole_sale:
        return ()
    skus = [lines[at].sku for at, _ in effect.by_line]
    shares = [share for _, share in effect.by_line]
    if not effect.points:
        return zip(skus, [0] * len(skus), shares, strict=True)
    money = allocate(effect.money_minor, shares) if effect.money_minor else [0] * len(skus)
    return zip(skus, shares, money, strict=True)
