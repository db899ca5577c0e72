"""What every effect form has in common: `lepta.rules.kinds` holds one file of this shape for each."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, NamedTuple

from lepta.money import Rounding
from lepta.rules.fields import Strict
from lepta.rules.programme import Programme

Per = Literal["unit", "line", "basket", "amount", "visit"]


class Measure(Enum):
    """What the number given to a form is."""

    COUNT = "count"
    """Nothing: the form says what one application gives, and is multiplied by their number."""
    AMOUNT = "amount"
    """The matching lines' amount in minor units."""
    BASE_POINTS = "base-points"
    """Points that group `base` gave on the matching lines."""
    DUE = "due"
    """What is due for the whole sale, after redemption, in minor units."""


Value = tuple[int, int]
"""What a form gives: smallest points, minor units."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One effect form. `gives(params, programme, number, rounding)` is its arithmetic."""

    name: str
    key: Literal["earn", "give"]
    params: type[Strict]
    measure: Measure
    per: tuple[Per, ...]
    """Where it may be counted; the first is the default."""
    gives: Callable[[Any, Programme, int, Rounding], Value]

    @property
    def fields(self) -> frozenset[str]:
        """The fields that tell this form from the others: all of them must be there."""
        return frozenset(self.params.model_fields)


class Form(NamedTuple):
    """A form as a campaign fills it in."""

    kind: Kind
    params: Any
