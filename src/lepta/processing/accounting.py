"""Effects to entries: the only module that knows both the rules and the ledger."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from lepta.ledger import chart
from lepta.ledger.book import Issue
from lepta.ledger.chart import Account
from lepta.ledger.entries import (
    CLEAR,
    COLLECT,
    EARN,
    GIVE_MONEY,
    GIVE_OWN,
    GIVE_POINTS,
    REDEEM,
    RELEASE,
    REPAY,
    Code,
    Entry,
)
from lepta.ledger.lots import NEVER
from lepta.processing.given import Legs
from lepta.rules.effects import Donate, Earn, Effect

_Movement = tuple[Account, Account, Code, date, date | None]
"""Debit, credit, what for; of points issued the lot's last day of use and, if they wait, the first."""


@dataclass(slots=True)
class Journal:
    """Entries of one event. Equal movements become one entry; earned points also by the lot they make."""

    asset: str
    """The programme's points."""
    currency: str
    retailer: str
    programme: str
    business_day: date
    member: Account | None
    """Where the shopper's points lie."""
    debt: int = 0
    """Points that the member owes: what they earn pays that first."""
    _entries: dict[_Movement, Entry] = field(default_factory=dict)
    _issues: list[Issue] = field(default_factory=list)
    _numbers: dict[_Movement, int] = field(default_factory=dict)
    """Of the entries that issue points to the member."""
    _legs: list[Legs] = field(default_factory=list)

    def release(self, points: int) -> None:
        """A hold's points come back to the member: before all else, since the sale may spend them."""
        assert not self._entries
        assert self.member is not None
        held = chart.held(self.member.ref, self.asset)
        self._add((held, self.member, RELEASE, NEVER, None), points)

    def redeem(self, points: int) -> None:
        """The member spends points; comes next, since lots are taken from the `entries.spender`."""
        assert all(code == RELEASE for _, _, code, _, _ in self._entries)
        assert self.member is not None
        spent = chart.redeemed(self.programme, self.asset)
        self._add((self.member, spent, REDEEM, NEVER, None), points)

    def give_own(self, effects: Iterable[Effect]) -> None:
        """The member gives points away: right after redemption, which takes the lots that end first."""
        assert all(code in {RELEASE, REDEEM} for _, _, code, _, _ in self._entries)
        assert self.member is not None
        for effect in effects:
            if isinstance(effect, Donate) and effect.shopper_points:
                fund = chart.fund_points(effect.fund, self.asset)
                self._add((self.member, fund, GIVE_OWN, NEVER, None), effect.shopper_points)

    def book(self, effects: Iterable[Effect]) -> None:
        """Everything the campaigns gave, in their order."""
        for effect in effects:
            if isinstance(effect, Earn):
                self._earn(effect)
            else:
                self._donate(effect)

    def clear(self, debts: Iterable[tuple[str, int]]) -> None:
        """What other parties owe the retailer for points of theirs that it honours: (party, minor units)."""
        due = chart.due_to(self.retailer, self.currency)
        for party, amount in debts:
            self._add((due, chart.payable(party, self.currency), CLEAR, NEVER, None), amount)

    def close(self) -> tuple[list[Entry], list[Issue], list[Legs]]:
        """The entries in order, the lots that those which issue points make, and which of these each `Earn` is in."""
        return list(self._entries.values()), self._issues, self._legs

    def _earn(self, earn: Earn) -> None:
        target, day, available_on = self.member, self.business_day, None
        assert target is not None, earn
        if earn.pending_days:
            target = chart.pending(target.ref, self.asset)
            available_on = day + timedelta(days=earn.pending_days)
        expires_on = earn.expire_after.last_day(day, available_on) if earn.expire_after else NEVER
        legs: list[tuple[int, int]] = []
        for share in earn.funders:
            points = share.points
            if not points:
                continue
            source = chart.issued(share.party, self.asset)
            if self.debt:
                points -= self._repay(source, target, points, legs)
            if points:
                movement = (source, target, EARN, expires_on, available_on)
                legs.append((self._number(movement), points))
                self._add(movement, points)
        self._legs.append(tuple(legs))

    def _repay(
        self, source: Account, target: Account, points: int, legs: list[tuple[int, int]]
    ) -> int:
        """Pay the debt with up to so many points, whether these would have to wait or not; how many it took."""
        paid = min(self.debt, points)
        self.debt -= paid
        movement = (source, chart.owed(target.ref, self.asset), REPAY, NEVER, None)
        legs.append((self._number(movement), paid))
        self._add(movement, paid)
        return paid

    def _number(self, movement: _Movement) -> int:
        """Of the entry that issues points so; one that is new makes a lot, unless it pays a debt."""
        number = self._numbers.get(movement)
        if number is None:
            number = self._numbers[movement] = len(self._entries)
            if movement[2] is not REPAY:
                self._issues.append(Issue(number, movement[3], movement[4]))
        return number

    def _donate(self, donate: Donate) -> None:
        asset, currency = self.asset, self.currency
        fund = chart.fund_points(donate.fund, asset)
        owed = chart.receivable(donate.fund, currency)
        for share in donate.funders:
            if share.points:
                issued = chart.issued(share.party, asset)
                self._add((issued, fund, GIVE_POINTS, NEVER, None), share.points)
            if share.money_minor:
                payable = chart.payable(share.party, currency)
                self._add((owed, payable, GIVE_MONEY, NEVER, None), share.money_minor)
        if donate.shopper_money_minor:
            collected = chart.collected(self.retailer, currency)
            self._add((owed, collected, COLLECT, NEVER, None), donate.shopper_money_minor)

    def _add(self, movement: _Movement, amount: int) -> None:
        debit, credit, code, _, _ = movement
        known = self._entries.get(movement)
        if known is not None:
            amount += known.amount
        self._entries[movement] = Entry(debit, credit, amount, code)
