"""The outcome of a sale: what every answer is made of, kept beside its leaf.

A fresh answer and one given years later are built from the same value, so they cannot differ.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from lepta.processing.events import Checkout
from lepta.processing.seen import Seen
from lepta.rules import explanation

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


Reason = explanation.Reason
"""Why a campaign fired or not, as the rules say it and as it is stored."""


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

    def to_document(self) -> Json:
        """As it lies beside the leaf: arrays in the order of the fields, what is nothing left out, and so is what
        basket and facts say as well.
        """
        document: Json = {}
        if self.flags:
            document["flags"] = self.flags
        points = [*self.points, self.redeemed_money]
        while points and not points[-1]:
            points.pop()
        if points:
            document["points"] = points
        if self.balance is not None:
            available, held, pending, days = self.balance
            document["balance"] = [available, held, pending, *days]
        if self.earned:
            document["earned"] = list(map(tuple, self.earned))
        if self.donations:
            document["donations"] = list(map(_donation_array, self.donations))
        if any(self.earned_by_line):
            document["line_earned"] = self.earned_by_line
        if any(self.redeemed_by_line):
            document["line_redeemed"] = self.redeemed_by_line
        if self.reasons:
            document["why"] = list(map(tuple, self.reasons))
        return document

    def given_for(self) -> list[tuple[str, tuple[int, ...]]]:
        """Of every campaign that fired: the positions of the lines it gave for."""
        earned = [(e.campaign, e.lines) for e in self.earned]
        return earned + [(d.campaign, d.lines) for d in self.donations]

    @classmethod
    def of(cls, document: Json, event: Checkout, seen: Seen) -> "Outcome":
        """What `to_document` wrote of this sale."""
        nothing = (0,) * len(event.lines)
        said: list[int] = document.get("points", [])
        *points, redeemed_money = [*said, *[0] * (6 - len(said))]
        donations = tuple(_donation(*d) for d in document.get("donations", ()))
        return cls(
            card_status=seen.card_status,
            flags=tuple(document.get("flags", ())),
            total=event.total,
            to_pay=to_pay(event.total, redeemed_money, donations),
            points=Points(*points),
            redeemed_money=redeemed_money,
            balance=_balance(document.get("balance")),
            earned=tuple(Earned(c, p, u, tuple(at)) for c, p, u, at in document.get("earned", ())),
            donations=donations,
            earned_by_line=tuple(document.get("line_earned", nothing)),
            redeemed_by_line=tuple(document.get("line_redeemed", nothing)),
            reasons=tuple(Reason(*r) for r in document.get("why", ())),
        )


def to_pay(total: int, redeemed_money: int, donations: Iterable[Donation]) -> int:
    """The total less what points paid, and what the shopper gives on top."""
    return total - redeemed_money + sum([d.shopper_money for d in donations])


def _donation_array(donation: Donation) -> tuple[Any, ...]:
    campaign, fund, points, money, units, funders, shopper_points, shopper_money, lines = donation
    borne = list(map(tuple, funders))
    return campaign, fund, points, money, units, borne, shopper_points, shopper_money, lines


def _balance(array: list[Any] | None) -> Balance | None:
    if array is None:
        return None
    available, held, pending, *days = array
    expiring = tuple((date.fromisoformat(on), points) for on, points in days)
    return Balance(available, held, pending, expiring)


def _donation(  # noqa: PLR0917 - the order is the stored one
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
