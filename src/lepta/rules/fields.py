"""Field types that rule documents share: ids, amounts, decimals. Strict, with units in their descriptions."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from lepta.money import ONE, Ratio, micro, ratio

MAX_AMOUNT = 10**12
"""The largest amount a document may name, in minor units or smallest points."""


class Strict(BaseModel):
    """A part of a document: frozen, nothing converted, nothing unknown let through."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _decimal(value: object) -> Ratio:
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004 - Pydantic reports only ValueError
            f'write it as a decimal in quotes, such as "{value if _is_number(value) else "0.1"}": '
            "a bare number is not exact"
        )
    return ratio(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _positive(value: object) -> Ratio:
    exact = _decimal(value)
    if exact.numerator == 0:
        raise ValueError("must be above 0: leave out what gives nothing")
    return exact


def _share(value: object) -> Ratio:
    exact = _decimal(value)
    if exact.numerator > exact.denominator:
        raise ValueError('a share is at most "1", the whole: lower it')
    return exact


def _positive_share(value: object) -> Ratio:
    _positive(value)
    return _share(value)


def _factor(value: object) -> Ratio:
    exact = _decimal(value)
    if not exact.denominator < exact.numerator <= 1000 * exact.denominator:
        raise ValueError('write a factor above "1" and up to "1000", such as "2" for double points')
    return exact


def _multiple(value: object) -> Ratio:
    exact = _positive(value)
    if exact.numerator > 100 * exact.denominator:
        raise ValueError('at most "100" ("1" adds as much again): lower it')
    return exact


def _quantity(value: object) -> int:
    _decimal(value)
    assert isinstance(value, str)
    return micro(value)


def _day(value: object) -> date:
    """Pydantic's own takes seconds since 1970 for a date, "0" for instance."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError('write a date such as "2026-10-01"')
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("is no day of the calendar: correct it") from None


_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _schema(description: str, example: str) -> Any:
    return WithJsonSchema({"type": "string", "description": description, "examples": [example]})


Id = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
Reference = Annotated[str, Field(min_length=1, max_length=64)]
"""The id of a party, store or region, or a SKU, category or brand, as its owner writes it."""
Amount = Annotated[int, Field(ge=1, le=MAX_AMOUNT, description="Minor units of the currency.")]
AmountOrZero = Annotated[int, Field(ge=0, le=MAX_AMOUNT, description="Minor units.")]
Points = Annotated[int, Field(ge=1, le=MAX_AMOUNT, description="Smallest units of the programme.")]
Count = Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
Days = Annotated[int, Field(ge=0, le=3660, description="Days.")]
Day = Annotated[date, PlainValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Rate = Annotated[
    Ratio, PlainValidator(_positive), _schema("Displayed points or major units per unit.", "0.01")
]
Share = Annotated[Ratio, PlainValidator(_share), _schema("Part of a whole, 0 to 1.", "0.5")]
PositiveShare = Annotated[
    Ratio, PlainValidator(_positive_share), _schema("Part of a whole, above 0, up to 1.", "0.6")
]
Factor = Annotated[Ratio, PlainValidator(_factor), _schema("Above 1, up to 1000.", "2")]
Multiple = Annotated[
    Ratio, PlainValidator(_multiple), _schema("Above 0, up to 100; 1 adds as much again.", "1")
]
QuantityMicro = Annotated[
    int, PlainValidator(_quantity), _schema("Units or kilograms, up to 6 decimals.", "1")
]

HALF = Ratio(5, 10)
TENTH = Ratio(10, 100)
WHOLE = ONE
