"""The outcome of a sale: what every answer is made of, kept beside its leaf.

A fresh answer and one given years later are built from the same value, so they cannot differ.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from lepta.ledger import chart
from lepta.ledger.book import Book
from lepta.ledger.chart import Account
from lepta.ledger.lots import expiring
from lepta.processing.events import Checkout
from lepta.processing.given import (
    Borne,
    Donation,
    Earned,
    amounts_of,
    donation_array,
    earned_arrays,
    read_donation,
    read_earned,
)
from lepta.processing.seen import Seen
from lepta.rules import explanation

__all__ = ["Balance", "Borne", "Donation", "Earned", "Outcome", "Points", "Reason", "to_pay"]

Json = dict[str, Any]
EXPIRING_WITHIN = timedelta(days=60)


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

    @classmethod
    def of(cls, book: Book, account: Account, on: date) -> "Balance":
        """By the member's account for points that may be spent, on that business day."""
        available = book.spendable(account, on)
        held = book.balance(chart.held(account.ref, account.asset))
        pending = book.balance(chart.pending(account.ref, account.asset))
        soon = expiring(book.lots_of(account), on, on + EXPIRING_WITHIN)
        return cls(available, held, pending, soon)

    def to_array(self) -> list[Any]:
        """As it is stored."""
        available, held, pending, days = self
        return [available, held, pending, *days]

    @classmethod
    def read(cls, array: Sequence[Any] | None) -> "Balance | None":
        """What `to_array` made, as it is stored or before that; None: nothing was."""
        if array is None:
            return None
        available, held, pending, *days = array
        return cls(
            available, held, pending,
            tuple((date.fromisoformat(str(on)), points) for on, points in days),
        )  # fmt: skip


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
    redeemed_by_line: tuple[int, ...]
    reasons: tuple[Reason, ...]

    def to_document(self, event: Checkout) -> Json:
        """As it lies beside the leaf: arrays in the order of the fields, what is nothing left out, and so is what
        basket and facts say as well.
        """
        amounts = amounts_of(event)
        document: Json = {}
        if self.flags:
            document["flags"] = self.flags
        points = [*self.points, self.redeemed_money]
        while points and not points[-1]:
            points.pop()
        if points:
            document["points"] = points
        if self.balance is not None:
            document["balance"] = self.balance.to_array()
        if self.earned:
            document["earned"] = earned_arrays(self.earned, amounts)
        if self.donations:
            document["donations"] = [donation_array(d, amounts) for d in self.donations]
        if any(self.redeemed_by_line):
            document["line_redeemed"] = self.redeemed_by_line
        if self.reasons:
            document["why"] = list(map(tuple, self.reasons))
        return document

    @property
    def earned_by_line(self) -> tuple[int, ...]:
        """Points of each of the basket's lines, through all campaigns."""
        by_line = [0] * len(self.redeemed_by_line)
        for earned in self.earned:
            for position, points in zip(earned.lines, earned.by_line, strict=True):
                by_line[position] += points
        return tuple(by_line)

    def given_for(self) -> list[tuple[str, tuple[int, ...]]]:
        """Of every campaign that fired: the positions of the lines it gave for."""
        earned = [(e.campaign, e.lines) for e in self.earned]
        return earned + [(d.campaign, d.given_for) for d in self.donations]

    @classmethod
    def of(
        cls, document: Json, event: Checkout, seen: Seen, entries: Sequence[Sequence[int]]
    ) -> "Outcome":
        """What `to_document` wrote of this sale; `entries` are its leaf's."""
        nothing = (0,) * len(event.lines)
        said: list[int] = document.get("points", [])
        *points, redeemed_money = [*said, *[0] * (6 - len(said))]
        amounts = amounts_of(event)
        donations = tuple([read_donation(d, amounts) for d in document.get("donations", ())])
        return cls(
            card_status=seen.card_status,
            flags=tuple(document.get("flags", ())),
            total=event.total,
            to_pay=to_pay(event.total, redeemed_money, donations),
            points=Points(*points),
            redeemed_money=redeemed_money,
            balance=Balance.read(document.get("balance")),
            earned=read_earned(document.get("earned", ()), amounts, entries),
            donations=donations,
            redeemed_by_line=tuple(document.get("line_redeemed", nothing)),
            reasons=tuple(Reason(*r) for r in document.get("why", ())),
        )


def to_pay(total: int, redeemed_money: int, donations: Iterable[Donation]) -> int:
    """The total less what points paid, and what the shopper gives on top."""
    return total - redeemed_money + sum([d.shopper_money for d in donations])
