"""Field types that several channels' documents share: moments, days, and ids that Lepta only compares.

Pydantic's own take a number of seconds written as a string for a moment or a day, so a till that sends its
clock's raw counter would be believed. These run once a field of every sale: no more than a microsecond or two.
"""

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from lepta.names import PLAIN, unprintable

_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_PLAIN_WORDS = re.compile(f"[{PLAIN} ]+")


def rfc3339(told: Any) -> datetime:
    """The moment that a text names (RFC 3339, section 5.6), to the microsecond; raises `ValueError` with a remedy."""
    found = _TIME.fullmatch(told) if isinstance(told, str) else None
    if found is None:
        raise ValueError('must be a time such as "2026-11-22T18:15:03+07:00"')
    if found[1] is None:
        raise ValueError("must name its offset, such as +07:00")
    try:
        return datetime.fromisoformat(told.upper())
    except ValueError:
        raise ValueError("is not a time that any calendar and clock show") from None


def day(told: Any) -> date:
    """The day that a text names, year-month-day; raises `ValueError` with a remedy."""
    if not isinstance(told, str) or not _DAY.fullmatch(told):
        raise ValueError('must be a date such as "2026-11-22"')
    try:
        return date.fromisoformat(told)
    except ValueError:
        raise ValueError("is not a day of the calendar") from None


def opaque(text: str) -> str:
    """`text`, if people see all of it; raises `ValueError` for what hides or turns the direction of the rest.

    Two ids that look the same on a screen would otherwise be two cards.
    """
    if (text.isascii() and text.isprintable()) or _PLAIN_WORDS.fullmatch(text):
        return text
    fault = unprintable(text)
    if fault is not None:
        raise ValueError(f"{fault[1]}; leave it out")
    return text


Rfc3339 = Annotated[
    datetime,
    PlainValidator(rfc3339),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment with its offset, written as RFC 3339 has it and in no other way."""

Day = Annotated[date, PlainValidator(day), WithJsonSchema({"type": "string", "format": "date"})]
"""A calendar day, written as year-month-day and in no other way."""

Opaque = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(opaque)]
"""An id of the outside that Lepta compares and shows, no more."""
