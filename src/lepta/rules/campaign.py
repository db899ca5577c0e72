"""A campaign compiled from one version of its document: what the engine walks over, nothing left to parse."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from lepta.money import Rounding, common_weights
from lepta.names import Name
from lepta.rules import conditions, recurrence, schedule
from lepta.rules.asks import Asks
from lepta.rules.audience import Audience
from lepta.rules.birthday import Span
from lepta.rules.conditions import Condition
from lepta.rules.envelope import CampaignDocument, Reading, To, What, read
from lepta.rules.envelope import Goods as GoodsDocument
from lepta.rules.envelope import Where as WhereDocument
from lepta.rules.explanation import Why
from lepta.rules.facts import Facts, Line, Store
from lepta.rules.kind import Form, Measure, Per
from lepta.rules.limits import Limits, compile_limits
from lepta.rules.match_funding import MatchFunding, compile_match
from lepta.rules.occasion import Occasion, occasion_of
from lepta.rules.programme import Expiry, Programme, expiry
from lepta.rules.schedule import Window

Key = tuple[bool, str, int, str]
"""Order of evaluation: group `base` first, then groups by name; inside by order, then id."""


@dataclass(frozen=True, slots=True)
class Goods:
    """Which lines a campaign is about: each set that is not empty has to hold the line."""

    skus: frozenset[str]
    categories: frozenset[str]
    brands: frozenset[str]
    without_skus: frozenset[str]
    without_categories: frozenset[str]
    without_brands: frozenset[str]
    all_goods: bool
    """No set at all: every line matches unless it is excluded."""
    excludes: bool
    whole_bill: bool
    """Neither sets nor exclusions: an offer is then on what is due for the sale."""
    min_quantity_micro: int
    min_amount_minor: int
    beside: "Goods | None"
    """Of what the basket has to hold something, too."""

    def covers(self, line: Line) -> bool:
        """Whether the line matches."""
        if self.skus and line.sku not in self.skus:
            return False
        if self.categories and self.categories.isdisjoint(line.categories):
            return False
        if self.brands and line.brand not in self.brands:
            return False
        return not self.excludes or not (
            line.sku in self.without_skus
            or line.brand in self.without_brands
            or not self.without_categories.isdisjoint(line.categories)
        )


@dataclass(frozen=True, slots=True)
class Where:
    """Where a campaign runs: each set that is not empty has to hold the store."""

    retailers: frozenset[str]
    regions: frozenset[str]
    stores: frozenset[str]
    everywhere: bool

    def holds(self, store: Store) -> bool:
        """Whether the store is one of them."""
        return self.everywhere or (
            (not self.stores or store.id in self.stores)
            and (not self.regions or store.region in self.regions)
            and (not self.retailers or store.retailer in self.retailers)
        )


@dataclass(frozen=True, slots=True)
class Giving:
    """What a campaign gives and how that is counted."""

    form: Form
    per: Per
    code: int
    """The `Why` that says what it gave for; the one after it, that a limit cut it."""
    gross: bool
    """Whether amounts are those before redemption."""
    rounding: Rounding
    partial: bool
    """Whether, when a limit runs out, the rest is still given."""
    set_of: int
    """Units that count once together where it gives per unit; mostly 1."""
    pending_days: int | None
    """None: the programme's."""
    own_expiry: bool
    expire_after: Expiry | None
    """Read if `own_expiry`; None: never."""

    def lot(self, programme: Programme) -> tuple[int, Expiry | None]:
        """Days that earned points wait, and when they expire."""
        waits = programme.pending_days if self.pending_days is None else self.pending_days
        return waits, self.expire_after if self.own_expiry else programme.expire_after


@dataclass(frozen=True, slots=True)
class Target:
    """Who gets a donation: the fund, or one of the choice."""

    fund: str | None
    choice: tuple[str, ...]
    default: str | None
    fallback: str | None
    """Stands in for one that is closed."""

    def of(self, campaign: str, facts: Facts) -> str | None:
        """The fund; else what the shopper chose at the till, or once at a kiosk; else the default. None: nobody."""
        if self.fund is not None:
            return self.fund
        if facts.choice is not None and self.offers(campaign, facts.choice):
            return facts.choice[1]
        for chosen in facts.chosen:
            if self.offers(campaign, chosen):
                return chosen[1]
        return self.default

    def offers(self, campaign: str, choice: tuple[str, str]) -> bool:
        """Whether this choice can be made in the campaign, whose target it is."""
        return choice[0] == campaign and choice[1] in self.choice


@dataclass(frozen=True, slots=True, eq=False)
class Campaign:
    """One version of a campaign."""

    id: str
    version: int
    programme: str
    title: Name | None
    """None: the document has none, show the id."""
    kind: Literal["bonus", "donation"]
    key: Key
    mode: Literal["add", "best", "stop"]
    goods: Goods
    where: Where
    windows: tuple[Window, ...]
    first_day: int
    end_day: int
    """Ordinals of store-local dates: active from `first_day`, no more on `end_day`."""
    needs_card: bool
    audience: Audience | None
    """None: it is for everybody, with a card where it needs one."""
    asks: Asks
    occasion: Occasion | None
    condition: Condition | None
    """None: it has none, or an empty one."""
    asks_past: bool
    """Whether it asks for `Past`."""
    asks_visits: bool
    """Whether it asks there for visits: they are counted from its publication on."""
    giving: Giving
    """Of a bonus by tier the first tier's."""
    by_tier: Mapping[str, "Campaign"]
    """The campaign as each tier has it; empty: the same for all."""
    target: Target
    takes_points: bool
    """Whether what it offers is the shopper's points."""
    is_offer: bool
    """Paid with the shopper's own money, if they accept."""
    match: MatchFunding | None
    """Who adds to the shopper's own gift."""
    parties: tuple[str, ...]
    """Its funders; none on a bonus: the store's retailer."""
    weights: tuple[int, ...]
    limits: Limits
    returns: Literal["reverse", "keep"]
    thresholds: Literal["prorate", "re-evaluate"]
    receipt: Mapping[str, str]
    """The author's sentences as written, by language."""

    @property
    def needs_purchase(self) -> bool:
        """Whether it asks for goods, an amount, a visit or what else only a sale has: it takes no gift without one."""
        goods, giving = self.goods, self.giving
        asks_goods = not goods.whole_bill or goods.beside is not None
        asks_amount = bool(goods.min_quantity_micro or goods.min_amount_minor)
        of_sale = bool(self.occasion or self.condition or self.by_tier) or giving.per != "basket"
        return asks_goods or asks_amount or of_sale

    @property
    def judged_again(self) -> int:
        """Its version, where it is judged again when some of the goods come back; else 0."""
        return self.version if self.thresholds == "re-evaluate" else 0

    def is_open(self, facts: Facts) -> bool:
        """Whether a window of its schedule is open; a campaign without one always is."""
        return not self.windows or any(window.holds(facts.at) for window in self.windows)


def compile_campaign(document: Mapping[str, Any], programme: str, version: int) -> Campaign:
    """`programme` stands in where the document names none. Raises as `lepta.rules.envelope.read` does."""
    reading = read(document)
    campaign = _compiled(reading, programme, version)
    own = {t: replace(campaign, giving=_giving(each)) for t, each in reading.of_tiers().items()}
    return replace(campaign, by_tier=own) if own else campaign


def _compiled(reading: Reading, programme: str, version: int) -> Campaign:
    said = reading.document
    is_offer = said.effect.source != "funders"
    takes_points = said.effect.source == "shopper-points"
    to, occasion = said.effect.to, occasion_of(said.effect)
    condition = conditions.compiled(said.when) if said.when else None
    asked = condition.variables if condition else ()
    return Campaign(
        id=said.campaign,
        version=version,
        programme=said.programme or programme,
        title=None if said.title is None else Name.of(said.title),
        kind=said.kind,
        key=_key(said),
        mode=said.stacking.mode,
        goods=_goods(said.what),
        where=_where(said.where),
        windows=_windows(said),
        first_day=said.active.starts.toordinal() if said.active.starts else 0,
        end_day=(said.active.until or date.max).toordinal(),
        occasion=occasion,
        condition=condition,
        asks_past=bool(occasion or takes_points) or not conditions.OF_PAST.isdisjoint(asked),
        takes_points=takes_points,
        asks_visits=bool(occasion and occasion.nth_visit) or "member.visits" in asked,
        needs_card=_needs_card(reading),
        audience=_audience(reading),
        asks=_asks(said, asked),
        giving=_giving(reading),
        by_tier={},
        target=_target(to),
        is_offer=is_offer,
        match=compile_match(said),
        parties=tuple(funder.party for funder in said.funding),
        weights=tuple(common_weights([f.share for f in said.funding])) if said.funding else (1,),
        limits=compile_limits(said),
        returns=said.returns or ("keep" if is_offer else "reverse"),
        thresholds=said.thresholds,
        receipt=said.receipt,
    )


def _key(said: CampaignDocument) -> Key:
    group = said.stacking.group or said.kind
    return (group != "base", group, said.stacking.order, said.campaign)


def _goods(what: What) -> Goods:
    without = what.exclude
    named = bool(what.skus or what.categories or what.brands)
    excludes = bool(without.skus or without.categories or without.brands)
    return Goods(
        skus=frozenset(what.skus),
        categories=frozenset(what.categories),
        brands=frozenset(what.brands),
        without_skus=frozenset(without.skus),
        without_categories=frozenset(without.categories),
        without_brands=frozenset(without.brands),
        all_goods=not named,
        excludes=excludes,
        whole_bill=not (named or excludes),
        min_quantity_micro=what.min_quantity,
        min_amount_minor=what.min_amount,
        beside=_beside(what.beside),
    )


def _beside(goods: GoodsDocument) -> Goods | None:
    named = goods.skus or goods.categories or goods.brands
    return _goods(What.model_validate(goods.model_dump())) if named else None


def _where(where: WhereDocument) -> Where:
    return Where(
        frozenset(where.retailers),
        frozenset(where.regions),
        frozenset(where.stores),
        everywhere=not (where.retailers or where.regions or where.stores),
    )


def _target(to: To | None) -> Target:
    if to is None:
        return Target(None, (), None, None)
    return Target(to.fund, to.choice, to.default, to.fallback)


def _needs_card(reading: Reading) -> bool:
    said = reading.document
    of_visits = reading.per == "visit" or occasion_of(said.effect) is not None
    by_who = said.who.card == "required" or _audience(reading) is not None
    takes_points = said.effect.source == "shopper-points"
    return said.kind == "bonus" or of_visits or by_who or takes_points


def _audience(reading: Reading) -> Audience | None:
    said = reading.document
    who = said.who
    audience = Audience(
        frozenset(who.tiers),
        frozenset(who.segments.any),
        frozenset(who.segments.none),
        _birthday(said),
        frozenset(reading.tiers),
        who.holdout_percent,
    )
    return None if audience == _EVERYBODY else audience


_EVERYBODY = Audience(frozenset(), frozenset(), frozenset(), None, frozenset(), 0)


def _birthday(said: CampaignDocument) -> Span | None:
    birthday = said.effect.birthday
    return None if birthday is None else (birthday.days_before, birthday.days_after)


def _asks(said: CampaignDocument, variables: Collection[str]) -> Asks:
    birthday = _birthday(said)
    return Asks(
        joining="member.days_since_joining" in variables,
        birthdays=frozenset() if birthday is None else frozenset([birthday]),
    )


def _windows(said: CampaignDocument) -> tuple[Window, ...]:
    return tuple(
        schedule.window(recurrence.parse(w.rrule, said.active.starts), w.at, w.duration)
        for w in said.schedule
    )


def _giving(reading: Reading) -> Giving:
    effect = reading.document.effect
    return Giving(
        form=reading.form,
        per=reading.per,
        code=int(_code(reading)),
        gross=effect.base == "gross",
        rounding=reading.document.rounding,
        partial=reading.document.exhausted == "partial",
        set_of=effect.set_of or 1,
        pending_days=effect.pending_days,
        own_expiry="expire_after" in effect.model_fields_set,
        expire_after=expiry(effect.expire_after),
    )


def _code(reading: Reading) -> Why:
    if reading.per == "unit":
        return Why.UNITS
    if reading.per == "line":
        return Why.PRODUCTS
    return Why.BASE_POINTS if reading.form.kind.measure is Measure.BASE_POINTS else Why.AMOUNT
