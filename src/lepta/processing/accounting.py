"""Effects to entries: the only module that knows both the rules and the ledger."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple, assert_never

from lepta.ledger import chart
from lepta.ledger.book import Issue
from lepta.ledger.chart import Account
from lepta.ledger.entries import Code, Entry
from lepta.ledger.lots import NEVER
from lepta.rules.effects import Donate, Earn, Effect


class Setting(NamedTuple):
    """Whose books a sale is entered in: points asset, currency, retailer, programme, business day."""

    asset: str
    currency: str
    retailer: str
    programme: str
    business_day: date
    member: str | None


@dataclass(slots=True)
class Journal:
    """Entries of one event. Equal movements become one entry; earned points also by the lot they make."""

    setting: Setting
    _amounts: dict[tuple[Account, Account, Code, date, date | None], int] = field(
        default_factory=dict
    )

    def redeem(self, points: int) -> None:
        """The member spends points; always the first entry, since lots are taken from its debit side."""
        assert not self._amounts
        assert self.setting.member is not None
        at = self.setting
        source = chart.available(self.setting.member, at.asset)
        self._add(source, chart.redeemed(at.programme, at.asset), points, Code.REDEEM)

    def book(self, effects: Iterable[Effect]) -> None:
        """Everything the campaigns gave, in their order."""
        for effect in effects:
            match effect:
                case Earn():
                    self._earn(effect)
                case Donate():
                    self._donate(effect)
                case _:
                    assert_never(effect)

    def close(self) -> tuple[list[Entry], list[Issue]]:
        """The entries in order, and the lots that those which issue points make."""
        entries, issues = [], []
        for leg, (key, amount) in enumerate(self._amounts.items()):
            debit, credit, code, expires_on, available_on = key
            entries.append(Entry(debit, credit, amount, code))
            if code is Code.EARN:
                issues.append(Issue(leg, expires_on, available_on))
        return entries, issues

    def _earn(self, earn: Earn) -> None:
        at = self.setting
        assert at.member is not None, earn
        day = at.business_day
        expires_on = earn.expire_after.last_day(day) if earn.expire_after else NEVER
        available_on = day + timedelta(days=earn.pending_days) if earn.pending_days else None
        account = chart.pending if available_on else chart.available
        target = account(at.member, at.asset)
        for share in earn.funders:
            source = chart.issued(share.party, at.asset)
            self._add(source, target, share.points, Code.EARN, (expires_on, available_on))

    def _donate(self, donate: Donate) -> None:
        at = self.setting
        points, owed = (
            chart.fund_points(donate.fund, at.asset),
            chart.receivable(donate.fund, at.currency),
        )
        for share in donate.funders:
            self._add(chart.issued(share.party, at.asset), points, share.points, Code.GIVE_POINTS)
            self._add(
                owed, chart.payable(share.party, at.currency), share.money_minor, Code.GIVE_MONEY
            )
        collected = chart.collected(at.retailer, at.currency)
        self._add(owed, collected, donate.shopper_money_minor, Code.COLLECT)

    def _add(
        self,
        debit: Account,
        credit: Account,
        amount: int,
        code: Code,
        lot: tuple[date, date | None] = (NEVER, None),
    ) -> None:
        if amount:
            key = (debit, credit, code, *lot)
            self._amounts[key] = self._amounts.get(key, 0) + amount
