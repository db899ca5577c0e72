"""One receipt decided again: its facts and basket as they are stored, under the rulebook with the drafts in it."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lepta.money import allocate
from lepta.processing.leaf import Leaf
from lepta.processing.sight import Prepared, prepare
from lepta.processing.verdict import paid
from lepta.rules import engine
from lepta.rules.effects import Donate, Earn, Effect
from lepta.rules.facts import NO_PAST, Line, Past
from lepta.rules.visits import past_of
from lepta.simulation.plan import Plan
from lepta.values import value
from lepta.verification.replay import Rulebooks

Counts = Mapping[str, int]


Part = tuple[str, int, int]
"""Whose or what for, points in smallest units, money in minor units. Plain, as many of them travel between processes."""


class Given(NamedTuple):
    """What a draft gives for one receipt."""

    campaign: str
    applications: int
    points: int
    money: int
    shopper_points: int
    shopper_money: int
    fund: str | None
    """None: points for the shopper."""
    funders: tuple[Part, ...]
    products: tuple[Part, ...]
    """By SKU; nothing where it is for no goods, as with the shopper's own money."""


@value
class Judged:
    """What became of one receipt."""

    day: str
    member: int | None
    """Number of the member's account."""
    given: tuple[Given, ...]
    reasons: tuple[tuple[str, int], ...]
    """(draft, `Why`) of every draft that was considered."""
    offered: tuple[tuple[str, int], ...]
    """(draft, minor units) of offers of the shopper's own money that are above 0."""
    rivals: tuple[Part, ...]
    """What published campaigns give now, and what they (and drafts of the same name) gave as it was booked."""
    booked: tuple[Part, ...]
    asked: tuple[tuple[str, int, int], ...]
    """(counter, its cap, how much had to fit) for this to come out."""
    consumed: tuple[tuple[str, int], ...]
    asks_visits: bool
    """Whether it depends on the visits before: then it never holds."""

    def holds(self, counts: Counts) -> bool:
        """As `engine.Outcome.holds`."""
        return not self.asks_visits and all(
            amount <= max(cap - counts.get(counter, 0), 0) for counter, cap, amount in self.asked
        )


@value
class Judge:
    """Decides receipts under a plan, in log order. Keeps one rulebook after the other."""

    plan: Plan
    rulebooks: Rulebooks

    @classmethod
    def of(cls, plan: Plan) -> "Judge":
        """Before the first receipt."""
        return cls(plan, Rulebooks(plan.changes))

    def judge(self, leaf: Leaf, counts: Counts) -> Judged:
        """Decide a sale on what was used of limits so far. Points pay as much of it as they did."""
        rulebook = self.rulebooks.after(leaf.rulebook)
        prepared = prepare(leaf.event, leaf.seen, rulebook)
        redeemed = (*leaf.document["outcome"].get("points", ()), 0, 0, 0)[2]
        money, _, net = paid(prepared, redeemed)
        past = _past(leaf, prepared, counts) if prepared.matched.asks_past else NO_PAST
        due_minor = prepared.event.total - money
        outcome = engine.evaluate(prepared.matched, net, due_minor, counts, past)
        return self._judged(leaf, prepared, outcome, rulebook.campaigns)

    def used(self, leaf: Leaf) -> list[tuple[str, int]]:
        """What a sale that is not decided again used of the rivals' limits, and the visit that it began."""
        found = []
        for counter, amount in leaf.document.get("used", ()):
            name, what, _ = counter.split("|", 2) if counter.count("|") > 1 else (counter, "", "")
            is_visit = what in {"visit", "visits"} and name in self.plan.visits
            if is_visit or counter.partition("|")[0] in self.plan.rivals:
                found.append((counter, amount))
        return found

    def _judged(
        self, leaf: Leaf, prepared: Prepared, outcome: engine.Outcome, names: tuple[str, ...]
    ) -> Judged:
        drafts, lines = self.plan.drafts, prepared.facts.lines
        of_drafts = [effect for effect in outcome.effects if effect.campaign in drafts]
        others = [effect for effect in outcome.effects if effect.campaign not in drafts]
        reasons = [(names[number], code) for number, code, _ in outcome.reasons]
        return Judged(
            prepared.event.key.business_day.isoformat(),
            leaf.document.get("member"),
            tuple([_given(effect, lines) for effect in of_drafts]),
            tuple([reason for reason in reasons if reason[0] in drafts]),
            tuple([(o.campaign, o.amount_minor) for o in outcome.offers if o.amount_minor and o.campaign in drafts]),
            tuple([(effect.campaign, effect.points, _money(effect)) for effect in others]),
            tuple(self._booked(leaf.document["outcome"])),
            tuple([(gauge.counter, gauge.cap, amount) for gauge, amount in outcome.asked]),
            outcome.consumed,
            prepared.matched.asks_past and prepared.matched.visit is not None,
        )  # fmt: skip

    def _booked(self, outcome: Mapping[str, Any]) -> Iterator[Part]:
        interest = self.plan.rivals | self.plan.replaced
        for campaign, points, *_ in outcome.get("earned", ()):
            if campaign in interest:
                yield campaign, points, 0
        for campaign, _, points, money, *_ in outcome.get("donations", ()):
            if campaign in interest:
                yield campaign, points, money


def _past(leaf: Leaf, prepared: Prepared, counts: Counts) -> Past:
    """What the ledger knew of the shopper: their points as they were, without any that a draft gives."""
    if prepared.member_account is None or prepared.facts.shopper is None:
        return NO_PAST
    outcome = leaf.document["outcome"]
    points: list[int] = outcome.get("points", [])
    earned, pending, redeemed, given, *_ = [*points, 0, 0, 0, 0]
    available = outcome["balance"][0] - (earned - pending) + redeemed + given
    may_spend = prepared.seen.card_status == "active"
    return past_of(
        prepared.matched.visit,
        counts,
        points=available,
        spendable=available - redeemed if may_spend else 0,
        is_first=any(account == prepared.member_account for _, account in leaf.opened),
    )


def _money(effect: Effect) -> int:
    return effect.money_minor if isinstance(effect, Donate) else 0


def _given(effect: Effect, lines: tuple[Line, ...]) -> Given:
    funders = tuple([(f.party, f.points, f.money_minor) for f in effect.funders])
    if isinstance(effect, Earn):
        by_line = tuple([(lines[at].sku, points, 0) for at, points in effect.by_line])
        return Given(
            effect.campaign, effect.applications, effect.points, 0, 0, 0, None, funders, by_line
        )
    return Given(
        effect.campaign, effect.applications, effect.points, effect.money_minor,
        effect.shopper_points, effect.shopper_money_minor, effect.fund, funders,
        _over_products(effect, lines),
    )  # fmt: skip


def _over_products(effect: Donate, lines: tuple[Line, ...]) -> tuple[Part, ...]:
    """As it is booked by line; the other of points and money in the same proportion."""
    if effect.whole_sale:
        return ()
    shares = [share for _, share in effect.by_line]
    points, money = allocate(effect.points, shares), allocate(effect.money_minor, shares)
    return tuple(zip([lines[at].sku for at, _ in effect.by_line], points, money, strict=True))
