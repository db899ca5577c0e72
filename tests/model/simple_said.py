"""What is said to the service: the values of the simple model. Points and money are integers, money in kopecks."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

MOST = -1
"""`redeem` of a sale that asks for as much as may be spent."""
Name = tuple[str, str, str, int]
"""A till's name for an event: store, till, business day, sequence."""


@dataclass(frozen=True)
class Line:
    number: int
    sku: str
    quantity: Fraction
    amount: int


@dataclass(frozen=True)
class Gift:
    offer: str
    accepted: bool
    amount: int | None = None
    """What the till took; None: as offered."""


@dataclass(frozen=True)
class Sale:
    name: Name
    at: datetime
    card: str | None
    lines: tuple[Line, ...]
    total: int
    redeem: int = 0
    gifts: tuple[Gift, ...] = ()
    hold: int | None = None
    """The place of the hold in the log."""
    quote: int | None = None
    """The number of the quote."""
    fiscal: int | None = None
    offline: bool = False


@dataclass(frozen=True)
class Void:
    sale: Name


@dataclass(frozen=True)
class Back:
    """So much of a line comes back."""

    line: int
    quantity: Fraction
    amount: int


@dataclass(frozen=True)
class Return:
    name: Name
    at: datetime
    original: Name | None
    lines: tuple[Back, ...]
    total: int
    offline: bool = False


@dataclass(frozen=True)
class Hold:
    store: str
    till: str
    card: str
    points: int
    ttl_s: int


@dataclass(frozen=True)
class Release:
    hold: int
    expired: bool = False


@dataclass(frozen=True)
class Adjust:
    card: str
    points: int


@dataclass(frozen=True)
class Give:
    """A gift of points at a kiosk."""

    store: str
    card: str
    points: int


@dataclass(frozen=True)
class Transfer:
    """Points of one card's owner become another's."""

    card: str
    to: str
    points: int


@dataclass(frozen=True)
class Days:
    """A day has begun: a member's points that wait for it, or ended before it."""

    card: str
    on: datetime


@dataclass(frozen=True)
class Publish:
    """One of the terms changes from now on."""

    term: str
    value: int


Event = Sale | Void | Return | Hold | Release | Adjust | Give | Transfer | Days | Publish
