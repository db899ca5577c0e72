"""Who owes whom for points that one party had issued and another honoured. Pure.

The money that points pay in a sale is shared over the lots that they come from by their points: largest remainder, lots
in the order of spending, an odd unit to the earlier one. What the points of another party's lot pay that party owes to
the store's retailer; of its own lots nobody owes it anything. Points come back to their lots in the same order, and
what was owed for a lot goes back with them: rounded down, until its last point closes it. Points that shoppers give
away clear nothing: what the fund gets for them the campaign's funders pay.
"""

from collections.abc import Mapping, Sequence

from lepta.ledger import chart
from lepta.ledger.book import Book
from lepta.ledger.entries import CLEAR, Entry
from lepta.ledger.lots import Spent
from lepta.money import allocate
from lepta.processing.purse import part_of


def by_issuer(
    spent: Sequence[Spent], points: int, money: int, since: int = 0, until: int | None = None
) -> dict[int, int]:
    """By number of the account that issued them: what the points pay, of `money` that `points` of them pay together.

    `spent` begins with these points. `since`, `until`: only of those that came back between so many and so many.
    """
    parts = part_of(spent, 0, points)
    until = points if until is None else until
    found: dict[int, int] = {}
    passed = 0
    for (lot, part), share in zip(parts, allocate(money, [p for _, p in parts]), strict=True):
        before, by_now = (min(max(mark - passed, 0), part) for mark in (since, until))
        its = share * by_now // part - share * before // part
        if its:
            found[lot.issuer] = found.get(lot.issuer, 0) + its
        passed += part
    return found


def owed(money: Mapping[int, int], book: Book, retailer: str, asset: str) -> list[tuple[str, int]]:
    """Which other party owes the retailer how much, of money by the account that issued points of this `asset`."""
    own = book.accounts.get(chart.issued(retailer, asset))
    return [(book.name(issuer).ref, its) for issuer, its in money.items() if issuer != own]


def cleared(debts: Sequence[tuple[str, int]], retailer: str, currency: str) -> list[Entry]:
    """The entries by which such debts are no more."""
    due = chart.due_to(retailer, currency)
    return [Entry(chart.payable(party, currency), due, its, CLEAR) for party, its in debts]
