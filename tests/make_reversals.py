"""A shop whose sales come back: what a reversal needs of a sale, and a book on which reversals are booked in turn."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import orjson

import make
from lepta.ledger import chart
from lepta.ledger.book import Book, Issue
from lepta.ledger.chart import Account
from lepta.ledger.entries import Code, Entry
from lepta.ledger.lots import spend
from lepta.money import micro
from lepta.processing.canonical import canonical
from lepta.processing.proration import Goods, ReturnedLine
from lepta.processing.rejudging import bench_of
from lepta.processing.reversal import Reversal, Sold, reverse
from lepta.processing.reversed import Reversed
from lepta.rules.programme import Programme, compile_programme
from lepta.rules.rulebook import Rulebook

PTS = "PTS/club"
WALLET = chart.available("m-pyotr", PTS)
WAITING = chart.pending("m-pyotr", PTS)
OWED = chart.owed("m-pyotr", PTS)
SPENT = chart.redeemed("club", PTS)


def programme(**changes: Any) -> Programme:
    """The club by its version of now."""
    return compile_programme("club", {**make.PROGRAMME, **changes})


@dataclass
class Ledger:
    """A book, its counters, and the sale that comes back."""

    shop: make.Shop
    earlier: list[Reversed] = field(default_factory=list)
    club: Programme = field(default_factory=programme)
    on: date = make.DAY
    sold: Sold = field(init=False)
    before: tuple[Mapping[Any, int], ...] = ()
    """All, before the sale."""

    def __repr__(self) -> str:
        """The sale and what came back: a ledger whole is so long that Hypothesis warns instead of telling what failed."""
        sold = getattr(self, "sold", None)
        return (
            f"Ledger({sold and (sold.recorded.event.lines, sold.recorded.outcome)}, {self.earlier})"
        )

    @property
    def book(self) -> Book:
        """Of the shop."""
        return self.shop.book

    def earn(self, points: int, last: date, index: int = 0, party: str = "elsewhere") -> None:
        """Points from before, in a lot of their own."""
        if points:
            source = chart.issued(party, PTS)
            entry = Entry(source, WALLET, points, Code.EARN)
            self.book.post(index, [entry], [Issue(0, last, None)], ())

    def spend(self, points: int) -> None:
        """On another sale."""
        if points:
            spent = spend(self.book.lots_of(WALLET), points, date.min)
            self.book.post(9_999, [Entry(WALLET, SPENT, points, Code.REDEEM)], [], spent)

    def sell(self, **sale: Any) -> Sold:
        """The sale that comes back later."""
        self.before = self.all()
        accepted = make.accepted(make.checkout(**sale), self.shop)
        names = {number: account for account, number in self.book.accounts.items()}
        booked = accepted.booked
        entries = [
            Entry(names[p.debit], names[p.credit], p.amount, Code(p.code)) for p in booked.postings
        ]
        bench = bench_of(accepted.recorded, self.shop.rulebook)
        self.sold = Sold(accepted.recorded, entries, booked.spent, booked.used, bench=bench)
        return self.sold

    def rejudge(self) -> None:
        """Judge by the rulebook of now, where something is judged again."""
        self.sold = replace(self.sold, bench=bench_of(self.sold.recorded, self.shop.rulebook))

    def back(self, lines: Sequence[ReturnedLine] | None, total: int | None = None) -> Reversal:
        """Return these lines, or void the sale, and book it."""
        if total is None:
            total = sum(line.amount for line in lines or ())
        reversal = reverse(
            self.sold, self.earlier, lines,
            total=total, programme=self.club, book=self.book, on=self.on,
        )  # fmt: skip
        self.book.post(
            1_000 + len(self.earlier), reversal.entries, reversal.issues, (), reversal.moves
        )
        for counter, amount in reversal.used:
            self.shop.counts[counter] += amount
            assert self.shop.counts[counter] >= 0, counter
        self.earlier.append(Reversed.of(_stored(reversal.outcome)))
        assert self.earlier[-1] == reversal.outcome
        return reversal

    def void(self) -> Reversal:
        """The whole sale."""
        return self.back(None)

    def goods(self) -> Goods:
        """What is back by now."""
        goods = Goods.of(self.sold.recorded.event)
        for one in self.earlier:
            goods.void() if one.void else goods.bring(one.lines, one.total)
        return goods

    def balances(self) -> dict[Account, int]:
        """Credits less debits of every account that is not at 0."""
        names = {number: account for account, number in self.book.accounts.items()}
        moved = self.book.changes.moved.items()
        return {names[n]: came - went for n, (went, came) in moved if came != went}

    def lots(self) -> dict[tuple[Account, date, int, int], int]:
        """What is in each open lot."""
        return {
            (account, *lot[:3]): lot.remaining
            for account in (WALLET, WAITING)
            for lot in self.book.lots_of(account)
        }

    def counts(self) -> dict[str, int]:
        """Counters that are not at 0."""
        return {counter: used for counter, used in self.shop.counts.items() if used}

    def all(self) -> tuple[Mapping[Any, int], ...]:
        """Everything."""
        return self.balances(), self.lots(), self.counts()

    def copy(self) -> "Ledger":
        """Another one that goes its own way."""
        shop = replace(self.shop, book=deepcopy(self.book), counts=dict(self.shop.counts))
        other = Ledger(shop, list(self.earlier), self.club, self.on)
        other.sold, other.before = self.sold, self.before
        return other


def ledger(book: Rulebook | None = None, *, points: int = 0, **club: Any) -> Ledger:
    """A shop; Пётр has so many points that never expire. `club` is the programme by its version of now."""
    made = Ledger(make.state(book), club=programme(**club))
    made.earn(points, date.max)
    return made


def _stored(outcome: Reversed) -> Any:
    return orjson.loads(canonical(outcome.to_document()))


def line(number: int = 1, quantity: str | int = 1, amount: int = 25_900) -> ReturnedLine:
    """So much of a line; a number is units."""
    return ReturnedLine(number, micro(str(quantity)), amount)
