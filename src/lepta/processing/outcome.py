"""The outcome of a sale: what its leaf says and every answer is made of.

A fresh answer and one given years later are built from the same value, so they cannot differ.
"""

from datetime import date
from typing import Any, NamedTuple

Json = dict[str, Any]


class Points(NamedTuple):
    """Points of one sale, smallest units; `pending` is the part of `earned` that has to wait."""

    earned: int
    pending: int
    redeemed: int
    given: int
    shortfall: int


class Balance(NamedTuple):
    """A member's points after the sale; `expiring`: (last day of use, points) of the next 60 days."""

    available: int
    held: int
    pending: int
    expiring: tuple[tuple[date, int], ...]


class Borne(NamedTuple):
    """What one funder bears of a donation."""

    party: str
    money: int


class Donation(NamedTuple):
    """`money` = the funders' + the shopper's; minor units and smallest points."""

    campaign: str
    fund: str
    points: int
    money: int
    units: int
    funders: tuple[Borne, ...]
    shopper_points: int
    shopper_money: int
    lines: tuple[int, ...]
    """Positions of the basket's lines it was given for."""


class Earned(NamedTuple):
    """Points through one campaign."""

    campaign: str
    points: int
    units: int
    lines: tuple[int, ...]


class Reason(NamedTuple):
    """Why a campaign fired or not: its number in the rulebook, a code and its argument."""

    campaign: int
    code: int
    argument: int


class Outcome(NamedTuple):
    """Everything that was decided about one sale."""

    card_status: str
    flags: tuple[str, ...]
    total: int
    to_pay: int
    points: Points
    redeemed_money: int
    balance: Balance | None
    earned: tuple[Earned, ...]
    donations: tuple[Donation, ...]
    earned_by_line: tuple[int, ...]
    redeemed_by_line: tuple[int, ...]
    reasons: tuple[Reason, ...]

    def to_leaf(self) -> Json:
        """As it stands in the leaf: arrays in the order of the fields, what is nothing left out."""
        document: Json = {"card": self.card_status, "total": self.total, "to_pay": self.to_pay}
        if self.flags:
            document["flags"] = self.flags
        if any(self.points):
            document["points"] = [*self.points, self.redeemed_money]
        if self.balance is not None:
            *sums, days = self.balance
            document["balance"] = [*sums, *days]
        if self.earned:
            document["earned"] = self.earned
        if self.donations:
            document["donations"] = self.donations
        if any(self.earned_by_line):
            document["line_earned"] = self.earned_by_line
        if any(self.redeemed_by_line):
            document["line_redeemed"] = self.redeemed_by_line
        if self.reasons:
            document["why"] = self.reasons
        return document

    def given_for(self) -> list[tuple[str, tuple[int, ...]]]:
        """Of every campaign that fired: the positions of the lines it gave for."""
        earned = [(e.campaign, e.lines) for e in self.earned]
        return earned + [(d.campaign, d.lines) for d in self.donations]

    @classmethod
    def from_leaf(cls, document: Json, lines: int) -> "Outcome":
        """What `to_leaf` wrote for a basket of so many lines."""
        nothing = (0,) * lines
        *points, redeemed_money = document.get("points", (0,) * 6)
        return cls(
            card_status=document["card"],
            flags=tuple(document.get("flags", ())),
            total=document["total"],
            to_pay=document["to_pay"],
            points=Points(*points),
            redeemed_money=redeemed_money,
            balance=_balance(document.get("balance")),
            earned=tuple(Earned(c, p, u, tuple(at)) for c, p, u, at in document.get("earned", ())),
            donations=tuple(_donation(*d) for d in document.get("donations", ())),
            earned_by_line=tuple(document.get("line_earned", nothing)),
            redeemed_by_line=tuple(document.get("line_redeemed", nothing)),
            reasons=tuple(Reason(*r) for r in document.get("why", ())),
        )


def _balance(array: list[Any] | None) -> Balance | None:
    if array is None:
        return None
    available, held, pending, *days = array
    expiring = tuple((date.fromisoformat(on), points) for on, points in days)
    return Balance(available, held, pending, expiring)


def _donation(  # noqa: PLR0917 - the order is the leaf's
    campaign: str,
    fund: str,
    points: int,
    money: int,
    units: int,
    funders: list[list[Any]],
    shopper_points: int,
    shopper_money: int,
    lines: list[int],
) -> Donation:
    return Donation(
        campaign, fund, points, money, units, tuple(Borne(*f) for f in funders),
        shopper_points, shopper_money, tuple(lines),
    )  # fmt: skip
