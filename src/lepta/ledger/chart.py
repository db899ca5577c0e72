"""The chart of accounts: what accounts there are, in what they are kept, and which may never go below zero."""

from functools import lru_cache
from typing import NamedTuple


class Account(NamedTuple):
    """An account by its name; `asset` is a currency, or `PTS/<programme>` for a programme's points."""

    kind: str
    ref: str
    code: str
    asset: str

    def shown(self) -> str:
        """For people: `member/m3f…/available PTS/club`."""
        return f"{self.kind}/{self.ref}/{self.code} {self.asset}"


REMEMBERED = 4_096
"""Accounts of parties and programmes are few and used again and again: each is made once. Members' are many."""
MEMBER_CODES = ("available", "pending", "held")


@lru_cache(REMEMBERED)
def points_of(programme: str) -> str:
    """The asset that a programme's points are."""
    return f"PTS/{programme}"


def available(member: str, asset: str) -> Account:
    """Points a member may spend."""
    return Account("member", member, "available", asset)


def pending(member: str, asset: str) -> Account:
    """Points a member has earned but may not spend yet."""
    return Account("member", member, "pending", asset)


def held(member: str, asset: str) -> Account:
    """Points set aside for a sale under way."""
    return Account("member", member, "held", asset)


def owed(member: str, asset: str) -> Account:
    """Points a member has to give back and no longer has; grows on the debit side. New points pay it first."""
    return Account("member", member, "owed", asset)


def early(member: str, asset: str) -> Account:
    """Never moved. Open where a member had points before their first sale, so that this one is still known as such."""
    return Account("member", member, "early", asset)


def bought(member: str, asset: str) -> Account:
    """Never moved. Opened by the first sale of such a member."""
    return Account("member", member, "bought", asset)


@lru_cache(REMEMBERED)
def issued(party: str, asset: str) -> Account:
    """Points a retailer or supplier has issued; grows on the debit side."""
    return Account("funder", party, "issued", asset)


@lru_cache(REMEMBERED)
def redeemed(programme: str, asset: str) -> Account:
    """Points that members have spent."""
    return Account("programme", programme, "redeemed", asset)


@lru_cache(REMEMBERED)
def expired(programme: str, asset: str) -> Account:
    """Points whose last day passed before members spent them."""
    return Account("programme", programme, "expired", asset)


@lru_cache(REMEMBERED)
def fund_points(fund: str, asset: str) -> Account:
    """Points given to a fund in shoppers' names."""
    return Account("fund", fund, "points", asset)


@lru_cache(REMEMBERED)
def receivable(fund: str, currency: str) -> Account:
    """Money a fund is owed; grows on the debit side."""
    return Account("fund", fund, "receivable", currency)


@lru_cache(REMEMBERED)
def payable(party: str, currency: str) -> Account:
    """Money a retailer, supplier or agency owes: to funds, and to who honoured points that it had issued."""
    return Account("party", party, "payable", currency)


@lru_cache(REMEMBERED)
def due_to(party: str, currency: str) -> Account:
    """Money a retailer is owed for points that it honoured and others had issued; grows on the debit side."""
    return Account("party", party, "receivable", currency)


@lru_cache(REMEMBERED)
def collected(retailer: str, currency: str) -> Account:
    """Shoppers' own money collected at a retailer's tills, which it owes to funds."""
    return Account("shopper", retailer, "collected", currency)


def limit_side(account: Account) -> int:
    """1 where credits may never fall below debits (a member's points), 0 where there is no limit."""
    return 1 if account.kind == "member" and account.code in MEMBER_CODES else 0
