"""The entries and moves of lots by which a reversal puts amounts back on the very accounts they came from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from lepta.ledger import chart
from lepta.ledger.book import Book, Issue
from lepta.ledger.chart import Account
from lepta.ledger.entries import Code, Entry
from lepta.ledger.lots import Move, Spent
from lepta.processing.purse import Purse, Returning
from lepta.processing.reversed import DonationBack, EarnedBack, Renewed
from lepta.rules.programme import Programme

_Movement = tuple[Account, Account, Code]


@dataclass(slots=True)
class MemberPoints:
    """What happens to one member's points: first all that comes back to them, then what is taken from them.

    So a debt is made only of what they do not have even then, and what is left pays one that they had before. `programme` says by its version of now what becomes of
    lots that have ended and of points that are spent.
    """

    purse: Purse
    programme: Programme
    clawed_back: int = 0
    """The debt that it makes included."""
    owed: int = 0
    shortfall: int = 0
    repaid: int = 0
    lapsed: dict[int, int] = field(default_factory=dict)
    """By entry of the sale: points that had expired."""
    renewed: list[Renewed] = field(default_factory=list)
    _restored: dict[_Movement, int] = field(default_factory=dict)
    _taken: dict[_Movement, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, book: Book, member: str, asset: str, on: date, programme: Programme
    ) -> "MemberPoints":
        """Of a member as the book knows them, on the day of the reversal."""
        available, pending = chart.available(member, asset), chart.pending(member, asset)
        return cls(Purse(book, available, pending, on), programme)

    def restore(self, source: Account, code: Code, spent: Iterable[Spent]) -> None:
        """Points come back from where they were spent."""
        back = list(spent)
        self.purse.put(source, back)
        _add(self._restored, (source, self.purse.available, code), sum(p for _, p in back))

    def claw_back(
        self,
        back: Mapping[int, int],
        entries: Sequence[Entry],
        log_index: int,
        expired: Mapping[int, int],
    ) -> None:
        """Take earned points back: so many of each entry of the sale at `log_index`.

        What its lots still hold comes first, of all of them; then nothing for what has `expired` of them; then any
        points that the member may spend. What paid a debt becomes one again, as far as they have none of these. What is
        spent, the last entries miss.
        """
        rests: list[tuple[Account, int, bool]] = []
        for leg, points in sorted(back.items()):
            issuer, holder = entries[leg].debit, entries[leg].credit
            if holder.code == "owed":
                rests.append((issuer, points, True))
                continue
            taken = self.purse.take_own(log_index, leg, points)
            for account, here in taken.items():
                self._claw(account, issuer, here)
            rest = points - sum(taken.values())
            lapsed = min(rest, expired.get(leg, 0))
            if lapsed:
                self.lapsed[leg] = lapsed
            rests.append((issuer, rest - lapsed, self.programme.debt == "allowed"))
        for issuer, rest, may_owe in rests:
            taken_elsewhere = self.purse.take_any(rest)
            self._claw(self.purse.available, issuer, taken_elsewhere)
            missing = rest - taken_elsewhere
            if may_owe:
                self._owe(issuer, missing)
            else:
                self.shortfall += missing

    def repay(self) -> None:
        """Points that may be spent pay what the member owes, so that nobody has some of the one and of the other: what
        went back in any order comes to the same.
        """
        available = self.purse.available
        owed = chart.owed(available.ref, available.asset)
        self.repaid = self.purse.take_any(self.purse.book.debt(owed))
        _add(self._taken, (available, owed, Code.REPAY), self.repaid)

    def close(self) -> tuple[list[Entry], list[Issue], list[Move]]:
        """The entries, the lots that some of them make, and what moves in and out of lots.

        Points that come back to lots that had ended make entries of their own, each with a new lot: one for each
        party that issued some.
        """
        entries: list[Entry] = []
        issues: list[Issue] = []
        for (source, target, code), points in self._restored.items():
            returning = [each for each in self.purse.returning if each.source == source]
            new = sum(each.points for each in returning)
            if points > new:
                entries.append(Entry(source, target, points - new, code))
            for issuer, ended in _by_issuer(returning).items():
                leg = len(entries)
                issues.append(Issue(leg, self._last_day(), None, issuer))
                self.renewed += [
                    Renewed(leg, parent.log_index, parent.leg, its) for _, parent, its in ended
                ]
                entries.append(Entry(source, target, sum(each.points for each in ended), code))
        return entries + entries_of(self._taken), issues, self.purse.moves()

    def _last_day(self) -> date:
        return self.purse.on + timedelta(days=self.programme.restore_grace_days)

    def _claw(self, holder: Account, issuer: Account, points: int) -> None:
        self.clawed_back += points
        _add(self._taken, (holder, issuer, Code.CLAW_BACK), points)

    def _owe(self, issuer: Account, points: int) -> None:
        available = self.purse.available
        self.owed += points
        self._claw(chart.owed(available.ref, available.asset), issuer, points)


def _by_issuer(returning: Iterable[Returning]) -> dict[int, list[Returning]]:
    found: dict[int, list[Returning]] = {}
    for each in returning:
        found.setdefault(each.parent.issuer, []).append(each)
    return found


def ungiven(backs: Iterable[DonationBack], asset: str, currency: str, retailer: str) -> list[Entry]:
    """Donations go back to their payers, but for the shopper's own points, which go back into lots."""
    found: dict[_Movement, int] = {}
    for back in backs:
        fund, due = chart.fund_points(back.fund, asset), chart.receivable(back.fund, currency)
        for party, money, points in back.funders:
            _add(found, (fund, chart.issued(party, asset), Code.UNGIVE_POINTS), points)
            _add(found, (chart.payable(party, currency), due, Code.UNGIVE_MONEY), money)
        collected = chart.collected(retailer, currency)
        _add(found, (collected, due, Code.UNCOLLECT), back.shopper_money)
    return entries_of(found)


def by_leg(earned: Iterable[EarnedBack]) -> dict[int, int]:
    """Points by entry of the sale, whatever campaign they are of."""
    sums: dict[int, int] = {}
    for leg, points in (each for back in earned for each in back.legs):
        sums[leg] = sums.get(leg, 0) + points
    return sums


def entries_of(movements: Mapping[_Movement, int]) -> list[Entry]:
    """One for each movement, in the order in which they came up."""
    return [
        Entry(debit, credit, amount, code) for (debit, credit, code), amount in movements.items()
    ]


def _add(movements: dict[_Movement, int], movement: _Movement, amount: int) -> None:
    if amount:
        movements[movement] = movements.get(movement, 0) + amount
