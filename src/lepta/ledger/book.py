"""The working copy of a ledger on which events are decided, one after another.

Live, it holds what one batch touches and remembers what changed, for the store to write. In verification
it holds the whole ledger, folded from the leaves. Deciding is the same code on either.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import NamedTuple

from lepta.ledger.chart import Account, bought, early, limit_side
from lepta.ledger.entries import Entry, Posting, spender
from lepta.ledger.lots import Lot, Move, Spent, ended
from lepta.values import value


class Opened(NamedTuple):
    """An account's first use: the leaf that lists it gives the number its name."""

    id: int
    account: Account


@value
class Issue:
    """A lot to be issued by entry number `leg` of an event."""

    leg: int
    expires_on: date
    available_on: date | None
    issuer: int | None = None
    """Account that issued its points, where that is not the one which the entry debits: they come back."""


class LotKey(NamedTuple):
    """Where a lot is found."""

    account: int
    expires_on: date
    log_index: int
    leg: int


class NewLot(NamedTuple):
    """What a batch put into a lot that was not there before."""

    remaining: int
    issuer: int
    available_on: date | None


@dataclass(slots=True)
class Changes:
    """What the events of one batch did to the working copy."""

    opened: list[tuple[int, Opened]] = field(default_factory=list)
    """(log index, account) of every account opened."""
    moved: dict[int, list[int]] = field(default_factory=dict)
    """By account number: [debits, credits] of the batch."""
    issued: dict[LotKey, NewLot] = field(default_factory=dict)
    remaining: dict[LotKey, int] = field(default_factory=dict)
    """What is left of lots that were there before; 0 closes one."""


@dataclass(slots=True)
class Book:
    """Accounts by name, balances of limited accounts, open lots of those accounts that were asked for."""

    next_account: int = 1
    accounts: dict[Account, int] = field(default_factory=dict)
    balances: dict[int, int] = field(default_factory=dict)
    """Credits minus debits of limited accounts."""
    lots: dict[int, list[Lot]] = field(default_factory=dict)
    debts: dict[int, int] = field(default_factory=dict)
    """By number of a member's account `owed`: debits minus credits."""
    changes: Changes = field(default_factory=Changes)
    _names: dict[int, Account] = field(default_factory=dict, compare=False, repr=False)

    def name(self, number: int) -> Account:
        """The account of a number; raises `KeyError` for one that is not known."""
        if number not in self._names:
            # Accounts are only ever added, so those that are new stand last.
            new = islice(self.accounts.items(), len(self._names), None)
            self._names.update((its, account) for account, its in new)
        return self._names[number]

    def balance(self, account: Account) -> int:
        """Points in a limited account; one that was never opened holds 0."""
        number = self.accounts.get(account)
        return 0 if number is None else self.balances[number]

    def spendable(self, account: Account, day: date) -> int:
        """Points in a limited account that may be used on that business day; all lots that ended before it are known."""
        balance = self.balance(account)
        return balance - ended(self.lots_of(account), day) if balance else 0

    def debt(self, account: Account) -> int:
        """Points that a member owes, by their account for it."""
        number = self.accounts.get(account)
        return 0 if number is None else self.debts.get(number, 0)

    def lots_of(self, account: Account) -> list[Lot]:
        """Open lots of a limited account."""
        number = self.accounts.get(account)
        return [] if number is None else self.lots.get(number, [])

    def open(self, log_index: int, account: Account) -> list[Opened]:
        """Open an account unless it is open: [] or the one account."""
        if account in self.accounts:
            return []
        number = self.next_account
        self.next_account += 1
        self.accounts[account] = number
        self.know(number, account)
        opened = Opened(number, account)
        self.changes.opened.append((log_index, opened))
        return [opened]

    def open_by_sale(self, log_index: int, account: Account) -> list[Opened]:
        """Open a member's account for a sale, and note the first sale of one who had points before it."""
        is_early = account in self.accounts and self.is_before_sales(account)
        return self.open(log_index, bought(account.ref, account.asset) if is_early else account)

    def open_early(self, log_index: int, account: Account) -> list[Opened]:
        """Open a member's account for what is no sale; the member's first sale is still to come then."""
        if account in self.accounts:
            return []
        note = early(account.ref, account.asset)
        return [*self.open(log_index, account), *self.open(log_index, note)]

    def is_before_sales(self, account: Account) -> bool:
        """Whether nothing has been sold yet to the member of this account."""
        accounts, (_, ref, _, asset) = self.accounts, account
        if account not in accounts:
            return True
        return early(ref, asset) in accounts and bought(ref, asset) not in accounts

    def know(
        self, number: int, account: Account, balance: int = 0, lots: Iterable[Lot] = ()
    ) -> None:
        """Keep what is in a member's account; that of others, who have no limit, is nobody's concern here."""
        if limit_side(account):
            self.balances[number] = balance
            self.lots[number] = list(lots)
        elif account.code == "owed":
            self.debts[number] = -balance

    def post(
        self,
        log_index: int,
        entries: Sequence[Entry],
        issues: Sequence[Issue],
        spent: Iterable[Spent],
        moves: Iterable[Move] = (),
    ) -> tuple[list[Posting], list[Opened]]:
        """Book an event's entries; the numbers under which they stand, and the accounts they opened.

        `moves` name their accounts, of which all lots have to be known; they come first. `spent` lots, as they are
        then, belong to the account of the `spender`, and the entries that spend take from them in turn.
        """
        opened: list[Opened] = []
        accounts = self.accounts
        postings: list[Posting] = []
        for entry in entries:
            debit, credit = entry.debit, entry.credit
            assert debit.asset == credit.asset, entry
            if debit not in accounts:
                opened += self.open(log_index, debit)
            if credit not in accounts:
                opened += self.open(log_index, credit)
            posting = Posting(accounts[debit], accounts[credit], entry.amount, int(entry.code))
            self._move(posting)
            postings.append(posting)
        for account, lot, points in moves:
            self._shift(accounts[account], lot, points)
        for taken in spent:
            self._take(spender(postings), taken)
        for issue in issues:
            self._issue(log_index, postings[issue.leg], issue)
        return postings, opened

    def _move(self, posting: Posting) -> None:
        debit, credit, amount, _ = posting
        assert amount > 0, posting
        balances, moved = self.balances, self.changes.moved
        if debit in balances:
            balances[debit] -= amount
            assert balances[debit] >= 0, posting
        if credit in balances:
            balances[credit] += amount
        if self.debts:
            self._owe(posting)
        if debit in moved:
            moved[debit][0] += amount
        else:
            moved[debit] = [amount, 0]
        if credit in moved:
            moved[credit][1] += amount
        else:
            moved[credit] = [0, amount]

    def _owe(self, posting: Posting) -> None:
        debts = self.debts
        if posting.debit in debts:
            debts[posting.debit] += posting.amount
        if posting.credit in debts:
            debts[posting.credit] -= posting.amount
            assert debts[posting.credit] >= 0, posting

    def _issue(self, log_index: int, posting: Posting, issue: Issue) -> None:
        key = LotKey(posting.credit, issue.expires_on, log_index, issue.leg)
        new = NewLot(
            posting.amount,
            posting.debit if issue.issuer is None else issue.issuer,
            issue.available_on,
        )
        self.changes.issued[key] = new
        if posting.credit in self.lots:
            self.lots[posting.credit].append(Lot(issue.expires_on, log_index, issue.leg, *new))

    def _shift(self, account: int, lot: Lot, points: int) -> None:
        """Take out of the lot as it is by now, or put into it."""
        found = next((own for own in self.lots[account] if own[:3] == lot[:3]), None)
        if found is not None:
            assert points <= found.remaining, (account, found, points)
            self._take(account, Spent(found, points))
            return
        assert points < 0, (account, lot, points)
        key = LotKey(account, *lot[:3])
        if key in self.changes.remaining:
            self.changes.remaining[key] = -points
        else:
            self.changes.issued[key] = NewLot(-points, lot.issuer, lot.available_on)
        self.lots[account].append(lot._replace(remaining=-points))

    def _take(self, account: int, taken: Spent) -> None:
        lot = taken.lot
        rest = lot.remaining - taken.points
        key = LotKey(account, lot.expires_on, lot.log_index, lot.leg)
        if key in self.changes.issued:
            self.changes.issued[key] = self.changes.issued[key]._replace(remaining=rest)
        else:
            self.changes.remaining[key] = rest
        open_lots = self.lots[account]
        open_lots.remove(lot)
        if rest:
            open_lots.append(lot._replace(remaining=rest))
