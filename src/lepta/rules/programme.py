"""A loyalty programme: its document as the office writes it, and the value the rules and the ledger use."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from lepta.errors import NotSupported
from lepta.money import EXPONENT, Ratio
from lepta.names import LANGUAGES, Language, Name, NameDocument
from lepta.rules import refusals
from lepta.rules.fields import (
    HALF,
    TENTH,
    AmountOrZero,
    Days,
    Rate,
    Reference,
    Share,
    Strict,
)
from lepta.rules.watch import WatchDocument


def _known_currency(code: str) -> str:
    if code not in EXPONENT:
        raise ValueError(f"write one of {', '.join(EXPONENT)}")
    return code


Currency = Annotated[
    str, AfterValidator(_known_currency), WithJsonSchema({"type": "string", "enum": [*EXPONENT]})
]


_TIER_FROM_THIS = (
    'a tier that counts in the very sale that earns it (the office sets tiers and no sale does, so write "next"; to '
    "reward large sales at once, give a campaign a ladder)"
)

End = Literal["month-end", "year-end", "day"]


class ExpireAfter(Strict):
    """How long points live: the last day of the month or year, or the same day, so many months later.

    0 months: until the end of the month or year in which they are earned.
    """

    months: int = Field(default=12, ge=0, le=1200)
    at: End = "month-end"

    @model_validator(mode="after")
    def _lives(self) -> Self:
        if self.at == "day" and not self.months:
            raise ValueError(
                'points would end on the day they are earned: write "months": 1 or more, '
                'or "at": "month-end"'
            )
        return self


class Exclude(Strict):
    """Goods that cannot be paid with points."""

    categories: tuple[Reference, ...] = Field(default=(), max_length=1000)


class Redeem(Strict):
    """How much of a sale may be paid with points."""

    max_share: Share = HALF
    min_cash: AmountOrZero = 0
    exclude: Exclude = Exclude()


class ProgrammeDocument(Strict):
    """What `PUT /v1/programmes/{id}` takes; everything but name and currency has a default."""

    name: NameDocument
    currency: Currency
    points_scale: int = Field(default=0, ge=0, le=6, description="Decimals that people see.")
    point_value: Rate = Field(
        default=TENTH, description="Major units of the currency for one displayed point."
    )
    redeem: Redeem = Redeem()
    expire_after: ExpireAfter | None = ExpireAfter()
    pending_days: Days = 0
    debt: Literal["allowed", "to-zero"] = "allowed"
    restore_grace_days: Days = 0
    claim_days: int = Field(
        default=30,
        ge=0,
        le=3660,
        description="For so many days after its business day a sale without a card may be claimed by a member; 0: never.",
    )
    tier_from: Literal["next", "this"] = Field(
        default="next",
        description="A sale goes by the tier that the office had set by then, so a tier counts from the `next` one. "
        "`this` is not supported.",
    )
    watch: WatchDocument | None = Field(
        default=None,
        description="What looks like misuse of cards: flagged, listed for the office, and perhaps blocked.",
    )
    languages: tuple[Language, ...] = Field(
        default=LANGUAGES,
        min_length=1,
        description="Of its receipts; who wants another gets the store's, or the first of these.",
    )


class Expiry(NamedTuple):
    """Points live for so many months, and then to the end of that month or year, or to the same day of it."""

    months: int
    at: End

    def last_day(self, earned_on: date, usable_on: date | None = None) -> date:
        """The last day on which points earned on `earned_on` can be used.

        To the day: the same day of the month; where that month has none, the first of the next, so
        that nothing ends early (31 January + 1 month: 1 March). To the month's end: the last day of
        the month so many months later (31 January + 1 month: 28 or 29 February). To the year's end:
        the last day of the year in which that month lies. Points that wait until `usable_on` and would
        end before it live from then.
        """
        last = _last_day(self, earned_on)
        return last if usable_on is None or last >= usable_on else _last_day(self, usable_on)


@lru_cache(maxsize=1_024)
def _last_day(expiry: Expiry, earned_on: date) -> date:
    """Remembered: the sales of a day ask the same again and again."""
    month = earned_on.year * 12 + earned_on.month - 1 + expiry.months
    if month + 1 >= 12 * (date.max.year + 1):
        return date.max
    year, month = month // 12, month % 12 + 1
    if expiry.at == "year-end":
        return date(year, 12, 31)
    days = calendar.monthrange(year, month)[1]
    if expiry.at == "month-end":
        return date(year, month, days)
    if earned_on.day <= days:
        return date(year, month, earned_on.day)
    return date(year, month, days) + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme as the rules use it."""

    id: str
    version: int
    name: Name
    currency: str
    points_scale: int
    scale_points: int
    """Smallest units in one displayed point."""
    major_minor: int
    """Minor units in one major unit of the currency."""
    point_value: Ratio
    """Minor units that one smallest unit of points is worth."""
    max_share: Ratio
    min_cash_minor: int
    excluded_categories: frozenset[str]
    expire_after: Expiry | None
    pending_days: int
    debt: Literal["allowed", "to-zero"]
    restore_grace_days: int
    claim_days: int
    languages: tuple[str, ...]
    watch: WatchDocument | None = None
    """None: nothing is counted."""


def validate_programme(document: Mapping[str, Any]) -> ProgrammeDocument:
    """The document checked, defaults filled in; raises `InvalidRequest` with every fault, or `NotSupported`."""
    said = refusals.read(ProgrammeDocument, refusals.plain(document))
    if said.tier_from == "this":
        raise NotSupported("tier_from", _TIER_FROM_THIS)
    return said


def compile_programme(programme: str, document: Mapping[str, Any], version: int = 1) -> Programme:
    """The value of a programme's document; raises `InvalidRequest` if it has faults."""
    said = validate_programme(document)
    scale_points, major_minor = 10**said.points_scale, 10 ** EXPONENT[said.currency]
    value = said.point_value
    return Programme(
        id=programme,
        version=version,
        name=Name.of(said.name),
        currency=said.currency,
        points_scale=said.points_scale,
        scale_points=scale_points,
        major_minor=major_minor,
        point_value=Ratio(value.numerator * major_minor, value.denominator * scale_points),
        max_share=said.redeem.max_share,
        min_cash_minor=said.redeem.min_cash,
        excluded_categories=frozenset(said.redeem.exclude.categories),
        expire_after=expiry(said.expire_after),
        pending_days=said.pending_days,
        debt=said.debt,
        restore_grace_days=said.restore_grace_days,
        claim_days=said.claim_days,
        languages=said.languages,
        watch=said.watch,
    )


def expiry(document: ExpireAfter | None) -> Expiry | None:
    """None: points never expire."""
    if document is None:
        return None
    return Expiry(document.months, document.at)
