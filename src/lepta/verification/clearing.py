"""Clearing: who issued points that another retailer honoured owes it what they paid, until they come back."""

from collections.abc import Mapping, Sequence

from lepta.ledger import chart
from lepta.ledger.chart import Account
from lepta.ledger.entries import Code
from lepta.ledger.lots import NEVER, Lot, Spent
from lepta.processing.clearing import by_issuer
from lepta.processing.reversed import Reversed
from lepta.processing.state import Subject
from lepta.processing.undoing import spent_of
from lepta.verification.invariants import Check
from lepta.verification.packed import Json
from lepta.verification.part import Clearing, Opening, Part, Redeemed
from lepta.verification.report import Faults

_CLEAR = int(Code.CLEAR)
Debts = dict[tuple[Account, Account], int]
"""Who is owed and who owes: how much."""


def note_sale(index: int, document: Json, content: Json, part: Part) -> None:
    """Add a sale that spends points, or says that somebody owes its retailer something for some: its leaf, and what
    lies beside.
    """
    said = [*content["outcome"].get("points", ()), 0, 0, 0, 0, 0, 0]
    points, money, booked = said[2], said[5], _booked(document)
    if not money and not booked:
        return
    spent = [
        Spent(Lot(NEVER, lot_index, leg, 0, issuer), its)
        for lot_index, leg, its, _, issuer in document.get("spent", ())
    ]
    shares = by_issuer(spent, points, money) if money else {}
    retailer, currency = content["facts"]["store"][0], content["basket"]["currency"]
    part.redeemed.append(Redeemed(index, retailer, currency, shares, booked))


def note_reversal(index: int, document: Json, part: Part) -> None:
    """Add what a void or a return books between parties, if it does."""
    booked = _booked(document)
    if booked:
        part.cleared[index] = booked


def _booked(document: Json) -> list[Clearing]:
    entries = document.get("entries", ())
    return [Clearing(*movement) for *movement, code in entries if code == _CLEAR]


def check_sales(sales: Sequence[Redeemed], accounts: Mapping[int, Opening], faults: Faults) -> None:
    """Whether each sale books what its lots say; all accounts that it moves have to be known."""
    for sale in sales:
        wanted = _wanted(sale.shares, sale.retailer, sale.currency, accounts)
        if _by_name(sale.booked, accounts) != wanted:
            what = "issuers of its points owe the retailer something else than its lots say"
            faults.event(Check.CLEARING, sale.log_index, what)


def check_reversed(
    subject: Subject,
    cleared: Mapping[int, Sequence[Clearing]],
    accounts: Mapping[int, Opening],
    faults: Faults,
) -> None:
    """Whether each reversal of a sale takes back what its issuers owe for the points that it restores."""
    sold, restored = subject.recorded, 0
    points, money = sold.outcome.points.redeemed, sold.outcome.redeemed_money
    for movement in subject.undone:
        booked = [
            Clearing(credit, debit, amount)
            for debit, credit, amount in cleared.get(movement.log_index, ())
        ]
        before, restored = restored, restored + Reversed.of(movement.outcome).restored
        shares = by_issuer(spent_of(subject.leaf), points, money, before, restored) if money else {}
        wanted = _wanted(shares, sold.seen.store.retailer, sold.event.currency, accounts)
        if _by_name(booked, accounts) != wanted:
            what = "does not take back what issuers owe for the points that it restores"
            faults.event(Check.CLEARING, movement.log_index, what)


def _wanted(
    shares: Mapping[int, int], retailer: str, currency: str, accounts: Mapping[int, Opening]
) -> Debts:
    due, wanted = chart.due_to(retailer, currency), Debts()
    for issuer, money in shares.items():
        party = accounts[issuer].account.ref
        if party != retailer:
            wanted[due, chart.payable(party, currency)] = money
    return wanted


def _by_name(booked: Sequence[Clearing], accounts: Mapping[int, Opening]) -> Debts:
    found = Debts()
    for debit, credit, amount in booked:
        between = accounts[debit].account, accounts[credit].account
        found[between] = found.get(between, 0) + amount
    return found
