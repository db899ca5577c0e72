"""The campaign document as a marketer writes it, and the way from YAML or JSON to its checked value."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field

from lepta.errors import InvalidRequest
from lepta.money import Rounding
from lepta.names import NameDocument
from lepta.rules import conditions, refusals, schedule, unsupported
from lepta.rules.described import Forms
from lepta.rules.fields import (
    WHOLE,
    Amount,
    AmountOrZero,
    Count,
    Day,
    Days,
    Id,
    Multiple,
    Points,
    PositiveShare,
    QuantityMicro,
    Reference,
    Strict,
)
from lepta.rules.forms import form_of, forms_by_tier
from lepta.rules.kind import Form, Per
from lepta.rules.programme import ExpireAfter

References = Annotated[tuple[Reference, ...], Field(max_length=10_000)]
Names = Annotated[tuple[Reference, ...], Field(max_length=100)]


def _time(text: str) -> str:
    schedule.time_of(text)
    return text


def _duration(text: str) -> str:
    schedule.length_of(text)
    return text


class Active(Strict):
    """Store-local dates, half-open."""

    starts: Day | None = Field(default=None, alias="from")
    until: Day | None = None


class Where(Strict):
    """Each list that is not empty has to hold the store."""

    retailers: References = ()
    regions: References = ()
    stores: References = ()


class Segments(Strict):
    """In one of `any` at least, where it names some, and in none of `none`."""

    any: Names = ()
    none: Names = ()


class Who(Strict):
    """`card: required` keeps anonymous sales out, and so does all else here; a bonus needs a card anyway.

    Of whom it is for, `holdout_percent` go without, as its control group.
    """

    card: Literal["required", "optional"] = "optional"
    tiers: Names = ()
    segments: Segments = Segments()
    holdout_percent: int = Field(default=0, ge=0, le=99)


class Goods(Strict):
    """Lists of goods."""

    skus: References = ()
    categories: References = ()
    brands: References = ()


class What(Goods):
    """A line matches when each list that is not empty has it and none of `exclude` does.

    So `categories` beside `brands` are the brand's goods of those categories. `min_quantity` and
    `min_amount` are of all matching lines together. `beside` are goods that have to be bought, too: a line is
    told by it as it is by the lists, and one is enough.
    """

    exclude: Goods = Goods()
    beside: Goods = Goods()
    min_quantity: QuantityMicro = 0
    min_amount: AmountOrZero = 0


class WindowDocument(Strict):
    """Opens at `at`, for `for`, on the dates of `rrule`; store-local."""

    rrule: str = Field(max_length=200, examples=["FREQ=MONTHLY;BYMONTHDAY=1"])
    at: Annotated[str, AfterValidator(_time)] = "00:00"
    duration: Annotated[str, AfterValidator(_duration)] = Field(alias="for", examples=["PT1M"])


class To(Strict):
    """A fund, or the shopper's choice among several; `fallback` gets what a closed one would have got."""

    fund: Reference | None = None
    choice: tuple[Reference, ...] = Field(default=(), max_length=1000)
    default: Reference | None = None
    fallback: Reference | None = None


class Birthday(Strict):
    """On the shopper's birthday, and so many days before and after it, by the store's calendar."""

    days_before: int = Field(default=0, ge=0, le=365)
    days_after: int = Field(default=0, ge=0, le=365)


class Effect(Strict):
    """What it gives (`earn` of a bonus, `give` of a donation), how it is counted, to whom, from whom."""

    earn: Annotated[dict[str, Any], Forms("earn")] | None = Field(
        default=None,
        description="Of a bonus: one of these forms. `base`, `pending_days`, `expire_after`, `welcome`, `birthday` "
        "and `nth_visit` may stand in it, too.",
    )
    give: Annotated[dict[str, Any], Forms("give")] | None = Field(
        default=None, description="Of a donation: one of these forms."
    )
    per: Per | None = None
    set_of: int | None = Field(
        default=None,
        ge=2,
        le=1_000,
        description="Per unit: so many units together count once, whatever their SKUs.",
    )
    to: To | None = None
    source: Literal["funders", "shopper-money", "shopper-points"] = Field(
        default="funders", alias="from"
    )
    base: Literal["net", "gross"] = "net"
    pending_days: Days | None = None
    expire_after: ExpireAfter | None = None
    welcome: bool | None = Field(
        default=None, description="The member's first sale in the programme."
    )
    birthday: Birthday | None = None
    nth_visit: int | None = Field(
        default=None, ge=2, le=10_000, description="The first sale of each n-th visit."
    )


class Cap(Strict):
    """Points or money, one of them."""

    points: Points | None = None
    money: Amount | None = None


class Funder(Strict):
    """A party that pays its share, up to its budget."""

    party: Reference
    share: PositiveShare
    budget: Cap | None = None


class Match(Strict):
    """Companies that add `ratio` times what the shopper gives, in money, until their budgets end."""

    funding: tuple[Funder, ...] = Field(min_length=1, max_length=20)
    ratio: Multiple = WHOLE
    budget: Cap | None = None


class LimitsDocument(Strict):
    """How often it applies and how much it gives; nothing said: no limit."""

    per_basket: Count | None = None
    per_card_day: Count | None = None
    per_card: Count | None = None
    units: Count | None = None
    budget: Cap | None = None
    max_per_basket: Cap | None = None


class StackingDocument(Strict):
    """Groups by name, `base` first; inside by order, then id. The group left out is the campaign's kind."""

    group: Id | None = None
    order: int = Field(default=100, ge=0, le=1_000_000)
    mode: Literal["add", "best", "stop"] = "add"


class CampaignDocument(Strict):
    """What `PUT /v1/campaigns/{id}` takes. Required: `campaign`, `kind` and `effect`."""

    campaign: Id
    programme: Id | None = None
    title: NameDocument | None = None
    kind: Literal["bonus", "donation"]
    active: Active = Active()
    schedule: tuple[WindowDocument, ...] = Field(default=(), max_length=20)
    where: Where = Where()
    who: Who = Who()
    what: What = What()
    when: str | None = Field(
        default=None,
        max_length=conditions.MOST_CHARACTERS,
        description="A condition in CEL.",
        examples=["basket.total >= 100000 && time.weekday in [6, 7]"],
    )
    effect: Effect
    match: Match | None = None
    funding: tuple[Funder, ...] = Field(default=(), max_length=20)
    limits: LimitsDocument = LimitsDocument()
    exhausted: Literal["partial", "none"] = "partial"
    rounding: Rounding = Rounding.DOWN
    stacking: StackingDocument = StackingDocument()
    returns: Literal["reverse", "keep"] | None = None
    thresholds: Literal["prorate", "re-evaluate"] = Field(
        default="prorate",
        description="When some goods come back: what it gave goes with them in proportion, or it is judged again on "
        "the goods that are left.",
    )
    receipt: dict[str, str] = Field(default_factory=dict)


class Reading(NamedTuple):
    """A document whose every part has the right shape."""

    document: CampaignDocument
    form: Form
    tiers: Mapping[str, Form]
    """Of a bonus by tier each tier's form, by name; `form` is the first one's then."""

    @property
    def per(self) -> Per:
        """How the effect is counted; the form's own way if the document leaves it open."""
        return self.document.effect.per or self.form.kind.per[0]

    def of_tiers(self) -> "dict[str, Reading]":
        """The document as each tier reads it; empty where it is the same for all."""
        return {tier: Reading(self.document, form, {}) for tier, form in self.tiers.items()}


_BESIDE_EARN = ("base", "pending_days", "expire_after", "welcome", "birthday", "nth_visit")


def read(document: Mapping[str, Any]) -> Reading:
    """The document's shape checked; whether it makes sense among today's parties is `validate`'s question.

    Raises `InvalidRequest` with every fault, or `NotSupported` for what the language names but this
    version does not do.
    """
    plain = _lifted(refusals.plain(document))
    unsupported.refuse(plain)
    checked = refusals.read(CampaignDocument, plain)
    key: Literal["earn", "give"] = "earn" if checked.kind == "bonus" else "give"
    said = checked.effect.earn if key == "earn" else checked.effect.give
    other = "give" if key == "earn" else "earn"
    if said is None or (checked.effect.earn is not None and checked.effect.give is not None):
        reason = f'a {checked.kind} has "{key}" and no "{other}": say there what it gives'
        raise InvalidRequest([refusals.fault(f"effect.{key}", reason)])
    tiers = forms_by_tier(said) if key == "earn" else {}
    return Reading(checked, tiers[min(tiers)] if tiers else form_of(key, said), tiers)


def _lifted(document: dict[str, Any]) -> dict[str, Any]:
    """What modifies `earn` may stand in it or beside it; here it stands beside it."""
    effect = document.get("effect")
    if not isinstance(effect, dict) or not isinstance(effect.get("earn"), dict):
        return document
    inside = {name: effect["earn"][name] for name in _BESIDE_EARN if name in effect["earn"]}
    twice = [name for name in inside if name in effect and effect[name] != inside[name]]
    if twice:
        raise InvalidRequest(
            [refusals.fault(f"effect.{n}", f'differs from "effect.earn.{n}": keep one') for n in twice]
        )  # fmt: skip
    earn = {name: value for name, value in effect["earn"].items() if name not in inside}
    return {**document, "effect": {**effect, **inside, "earn": earn}}
