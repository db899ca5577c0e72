"""What tills send to take a sale back, or a part of it: strict models, straight from the body's bytes to an act.

Amounts are integers in minor units of the sale's currency, quantities decimal strings.
"""

from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from lepta.channels.till.schemas import (
    MAX_LINES,
    MAX_SEQUENCE,
    BusinessDay,
    Id,
    Positive,
    QuantityMicro,
    TooManyLines,
    Training,
    of_this_age,
)
from lepta.http.bodies import Body
from lepta.http.fields import Rfc3339
from lepta.processing.acts import Return, Void
from lepta.processing.events import NaturalKey
from lepta.processing.proration import ReturnedLine

EventId = Annotated[
    str, Field(min_length=1, max_length=64, description="As the answer to the sale named it.")
]


_NAME_IT = 'write {"checkout": "…"}, or store, till, business_day and sequence, to name the sale'


def _not_below_0(micro: int) -> int:
    if micro < 0:
        raise ValueError("must not be below 0: a return says what comes back")
    return micro


class SaleKey(Body):
    """A sale, as its till called it."""

    store: Id
    till: Id
    business_day: BusinessDay
    sequence: Annotated[int, Field(ge=0, le=MAX_SEQUENCE)]

    @property
    def key(self) -> NaturalKey:
        """The natural key."""
        return NaturalKey(self.store, self.till, self.business_day, self.sequence)


class VoidBody(SaleKey):
    """A sale that is to be as if it had never been; it may not have arrived yet."""

    training: Training = False

    def to_act(self) -> Void:
        """The act."""
        return Void(self.key)


class NamedVoidBody(Body):
    """The address says which sale it is."""

    training: Training = False


class NothingBody(Body):
    """The address says it all."""


class OriginalBody(Body):
    """A sale, by the name that its answer gave it, or as its till called it."""

    checkout: EventId | None = None
    store: Id | None = None
    till: Id | None = None
    business_day: BusinessDay | None = None
    sequence: Annotated[int, Field(ge=0, le=MAX_SEQUENCE)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        told = [part is not None for part in self._parts]
        if any(told) if self.checkout is not None else not all(told):
            raise ValueError(_NAME_IT)
        return self

    @property
    def key(self) -> NaturalKey | None:
        """The natural key, unless the sale is named by its id."""
        store, till, day, sequence = self._parts
        if store is None or till is None or day is None or sequence is None:
            return None
        return NaturalKey(store, till, day, sequence)

    @property
    def _parts(self) -> tuple[str | None, str | None, date | None, int | None]:
        return self.store, self.till, self.business_day, self.sequence


class ReturnedLineBody(Body):
    """So much of one line of the sale."""

    line: Annotated[int, Field(ge=0, le=1_000_000, description="Its number on the sale.")]
    quantity: Annotated[QuantityMicro, AfterValidator(_not_below_0)]
    amount: Positive

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        if not (self.quantity or self.amount):
            raise ValueError("quantity: 0 of it for 0 brings nothing back; leave the line out")
        return self


class ReturnBody(SaleKey):
    """Goods that come back; the natural key is the return's own."""

    occurred_at: Annotated[Rfc3339, AfterValidator(of_this_age)]
    original: OriginalBody | None = Field(
        default=None, description="The sale; without it the return goes on the exception list."
    )
    lines: Annotated[tuple[ReturnedLineBody, ...], Field(min_length=1)]
    total: Annotated[
        Positive,
        Field(
            description="To pay back before points and gifts; may be below the sum of the lines."
        ),
    ]
    offline: bool = False
    training: Training = False

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = sum([line.amount for line in self.lines])
        if self.total > total:
            raise ValueError(
                f"total: {self.total} is above the sum of the lines, {total}; it may only be below it"
            )
        return self

    def check_size(self) -> None:
        """Raises `TooManyLines`."""
        if len(self.lines) > MAX_LINES:
            raise TooManyLines(len(self.lines), "return")

    def to_act(self, original: NaturalKey | None) -> Return:
        """The act, about the sale that `original` named."""
        lines = tuple([ReturnedLine(one.line, one.quantity, one.amount) for one in self.lines])
        return Return(self.key, self.occurred_at, original, lines, self.total, self.offline)
