"""What tills send: strict models, straight from the body's bytes to an event.

Amounts are integers in minor units of `currency`, quantities decimal strings, times RFC 3339 with an offset.
"""

import re
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Annotated, Any, Literal, NotRequired, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    PlainValidator,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
    with_config,
)
from typing_extensions import TypedDict

from lepta.errors import DomainError, Kind
from lepta.http.bodies import Body
from lepta.http.fields import Rfc3339, day
from lepta.money import EXPONENT, micro
from lepta.names import NameDocument, clean, read_document
from lepta.processing.events import (
    MAX,
    BasketLine,
    Checkout,
    Fiscal,
    LineKind,
    NaturalKey,
    basket_bytes,
    identity,
    quote_name,
)
from lepta.rules.facts import Gift

MAX_LINES = 1_000
MAX_AMOUNT = 10**12
MAX_QUOTE = 16_384
"""A quote carries the shopper's answers, of which there may be twenty."""
MAX_SEQUENCE = 2**53 - 1
MIN_YEAR, MAX_YEAR = 2000, 2199

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class TooManyLines(DomainError):
    """More lines than one sale or return may have."""

    code = "too-large"
    kind = Kind.TOO_LARGE

    def __init__(self, lines: int, what: str = "sale") -> None:
        super().__init__(
            f"The {what} has {lines} lines, at most {MAX_LINES} are taken. Split it into several {what}s.",
            limit=MAX_LINES,
        )


def _known_currency(code: str) -> str:
    if code not in EXPONENT:
        raise ValueError(f"is not one of {', '.join(EXPONENT)}")
    return code


def _opaque(text: str) -> str:
    if not text.isprintable() and _CONTROL.search(text):
        raise ValueError("contains a control character; send the text as it is printed")
    return text


def _printed(told: Any) -> Any:
    """A name as a till prints it: what cannot be printed is left out, since the sale is paid already."""
    return clean(told) or "-" if isinstance(told, str) else read_document(told)


def of_this_age(moment: date) -> date:
    """`moment`, unless a till's clock is off by decades."""
    if not MIN_YEAR <= moment.year <= MAX_YEAR:
        raise ValueError(
            f"lies outside of the years {MIN_YEAR} to {MAX_YEAR}; set the till's clock"
        )
    return moment


@lru_cache(64)
def _day(text: str) -> date:
    return of_this_age(day(text))


def _business_day(told: Any) -> date:
    """The tills of a moment write one of a few days."""
    return _day(told) if isinstance(told, str) else day(told)


Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Opaque = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_opaque)]
Minor = Annotated[int, Field(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
Positive = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
_Quantity = Annotated[
    str,
    Field(min_length=1, max_length=20, description='A decimal string: "1", "0.345".'),
    AfterValidator(lru_cache(4_096)(micro)),
]
QuantityMicro = Annotated[int, GetPydanticSchema(lambda _, read: read(_Quantity))]
"""In millionths, read from a decimal string; most lines have one of a few quantities."""

BusinessDay = Annotated[
    date,
    PlainValidator(_business_day),
    WithJsonSchema({"type": "string", "format": "date"}),
]

PrintedName = Annotated[
    Any, PlainValidator(_printed), WithJsonSchema(TypeAdapter(NameDocument).json_schema())
]

_DEFAULT_NULL = Field(json_schema_extra={"default": None})
"""May be null or left out, which is the same; the document says so, `_full_line` puts it in."""


@with_config(ConfigDict(extra="forbid", strict=True))
class LineBody(TypedDict):
    """One line of the receipt."""

    # A dictionary and no `Body`, which takes longer to make and to read: most of a sale is lines, and most of them
    # have four fields. So defaults are not filled in here, either.
    line: Annotated[int, Field(ge=0, le=1_000_000)]
    sku: Opaque
    name: NotRequired[Annotated[PrintedName | None, _DEFAULT_NULL]]
    categories: NotRequired[
        Annotated[Annotated[tuple[Opaque, ...], Field(max_length=50)] | None, _DEFAULT_NULL]
    ]
    brand: NotRequired[Annotated[Opaque | None, _DEFAULT_NULL]]
    kind: NotRequired[Annotated[LineKind, Field(json_schema_extra={"default": "goods"})]]
    quantity: QuantityMicro
    unit_price: NotRequired[Annotated[Minor | None, _DEFAULT_NULL]]
    amount: Annotated[
        Minor, Field(description="What the line costs after the till's own discounts; may be <= 0.")
    ]


_NEEDED = itemgetter("line", "sku", "quantity", "amount")
"""What every line has, in the order of `BasketLine`; most have no more."""


def _lines(told: tuple[LineBody, ...]) -> tuple[BasketLine, ...]:
    return tuple([BasketLine(*_NEEDED(t)) if len(t) == 4 else _full_line(t) for t in told])


def _full_line(told: LineBody) -> BasketLine:
    return BasketLine(
        told["line"], told["sku"], told["quantity"], told["amount"], told.get("unit_price"),
        told.get("kind", "goods"), told.get("name"), told.get("categories"), told.get("brand"),
    )  # fmt: skip


class RedeemBody(Body):
    """Points to spend: a number, or as many as may be spent."""

    points: Positive | None = None
    max: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.points is None) == (self.max is None):
            raise ValueError('write {"points": n} or {"max": true}')
        return self


class GiftBody(Body):
    """The shopper's answer to an offer; without `amount` it is booked as offered."""

    offer: Opaque
    accepted: bool
    amount: Positive | None = Field(
        default=None,
        description="What the till took: minor units, or points where it offered points.",
    )


class ChoiceBody(Body):
    """The beneficiary that the shopper chose."""

    campaign: Opaque
    beneficiary: Opaque


class FiscalBody(Body):
    """The fiscal document's drive, number and sign."""

    fn: Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9]+$")]
    i: Annotated[int, Field(ge=0, le=MAX_SEQUENCE)]
    fp: Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9]+$")]


_HOLD = (
    "The id of a hold of this card in this store: its points come back, to be redeemed before others; what `redeem` "
    "does not take is free again."
)


Training = Annotated[
    bool,
    Field(
        description="Somebody is learning: it is decided on the ledger of now, and nothing of it is recorded."
    ),
]


class CheckoutBody(Body):
    """A sale, as the till saw it."""

    store: Id
    till: Id
    business_day: BusinessDay
    sequence: Annotated[int, Field(ge=0, le=MAX_SEQUENCE)]
    occurred_at: Annotated[Rfc3339, AfterValidator(of_this_age)]
    currency: Annotated[str, AfterValidator(_known_currency)]
    card: Opaque | None = None
    lines: Annotated[tuple[LineBody, ...], Field(min_length=1)]
    total: Annotated[
        Minor,
        Field(description="To pay before points and gifts; may be below the sum of the lines."),
    ]
    redeem: RedeemBody | None = None
    gifts: Annotated[tuple[GiftBody, ...], Field(max_length=20)] = ()
    choice: ChoiceBody | None = None
    hold: Annotated[Opaque | None, Field(description=_HOLD)] = None
    quote: Annotated[str, Field(max_length=MAX_QUOTE)] | None = None
    fiscal: FiscalBody | None = None
    offline: bool = False
    training: Training = False

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        lines = self.lines
        if len({line["line"] for line in lines}) < len(lines):
            raise ValueError(
                "lines: two lines have the same number; a return could not tell them apart"
            )
        total = sum([line["amount"] for line in lines])
        if self.total > total:
            raise ValueError(
                f"total: {self.total} is above the sum of the lines, {total}; it may only be below it"
            )
        return self

    def to_event(self) -> Checkout:
        """The event; raises `TooManyLines`, and `NotSupported` for what this version does not do yet."""
        if len(self.lines) > MAX_LINES:
            raise TooManyLines(len(self.lines))
        lines = _lines(self.lines)
        redeem, choice, fiscal = self.redeem, self.choice, self.fiscal
        redeemed = 0 if redeem is None else MAX if redeem.max else redeem.points or 0
        chosen = None if choice is None else (choice.campaign, choice.beneficiary)
        gifts = tuple([Gift(g.offer, g.accepted, g.amount) for g in self.gifts])
        document = None if fiscal is None else Fiscal(fiscal.fn, fiscal.i, fiscal.fp)
        quote = None if self.quote is None else quote_name(self.quote)
        key = NaturalKey(self.store, self.till, self.business_day, self.sequence)
        basket = basket_bytes(
            currency=self.currency, lines=lines, total=self.total, redeem=redeemed,
            choice=chosen, gifts=gifts, fiscal=document, quote=quote, hold=self.hold,
        )  # fmt: skip
        return Checkout(
            key, self.occurred_at, self.currency, self.card, lines, self.total, redeemed, chosen,
            gifts, document, self.offline, basket, identity(key, self.occurred_at, basket, self.card),
            quote, self.quote, self.hold,
        )  # fmt: skip
