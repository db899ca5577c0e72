"""The simple model's books: balances of accounts, what limits are used up, standings of funds, and members' purses."""

from collections import Counter
from dataclasses import dataclass, field

from simple_purse import Purse, Taken
from simple_sale import POINT, Donation

REDEEMED, EXPIRED = (
    "programme/club/redeemed",
    "programme/club/expired",
)
FUND_POINTS, FUND_MONEY = "fund/forest-animals/points", "fund/forest-animals/receivable"
RETAILERS = {"nsk-07": "retail-nsk", "nsk-08": "retail-nsk", "omsk-1": "retail-omsk"}
"""By store."""


def issued(party: str) -> str:
    return f"funder/{party}/issued"


@dataclass
class Books:
    accounts: Counter[str] = field(default_factory=Counter)
    """Credits less debits."""
    used: Counter[str] = field(default_factory=Counter)
    standings: dict[str, list[int]] = field(default_factory=dict)
    """By campaign: donations, points, money."""
    purses: dict[str, Purse] = field(default_factory=dict)

    def purse(self, member: str) -> Purse:
        return self.purses.setdefault(member, Purse())

    def book(self, debit: str, credit: str, amount: int) -> None:
        assert amount >= 0, (debit, credit, amount)
        self.accounts[debit] -= amount
        self.accounts[credit] += amount

    def clear(self, spent: Taken, retailer: str, sign: int) -> None:
        """For points that paid at a retailer, and that another one had issued, that one owes what they paid."""
        for lot, points in spent:
            if lot.issuer != retailer:
                self.accounts[f"party/{retailer}/receivable"] -= sign * points * POINT
                self.accounts[f"party/{lot.issuer}/payable"] += sign * points * POINT

    def donate(
        self, donation: Donation, member: str | None, sign: int, *, store: str, counts: bool
    ) -> None:
        """What a donation moves, the standing included; sign -1: it is taken back. `counts`: as one donation."""

        def move(debit: str, credit: str, amount: int) -> None:
            self.book(*((debit, credit) if sign > 0 else (credit, debit)), amount)

        if donation.own_points:
            move(f"member/{member}/available", FUND_POINTS, donation.own_points)
        for party, money, points in donation.funders:
            move(f"funder/{party}/issued", FUND_POINTS, points)
            move(FUND_MONEY, f"party/{party}/payable", money)
        move(FUND_MONEY, f"shopper/{RETAILERS[store]}/collected", donation.own_money)
        standing = self.standings.setdefault(donation.campaign, [0, 0, 0])
        parts = (int(counts), donation.points, donation.money)
        for n, part in enumerate(parts):
            standing[n] += sign * part

    def state(self) -> dict[str, object]:
        """As the tables have it, what is nothing left out."""
        lots: Counter[tuple[object, ...]] = Counter()
        for member, purse in self.purses.items():
            for lot in purse.lots:
                for place, points in lot.points.items():
                    first = lot.first if place == "pending" else None
                    if points:
                        lots[member, place, lot.last, lot.place[0], first, lot.issuer] += points
        return {
            "accounts": {name: sum_ for name, sum_ in self.accounts.items() if sum_},
            "lots": dict(lots),
            "used": {name: used for name, used in self.used.items() if used},
            "standings": {name: tuple(sums) for name, sums in self.standings.items() if sums[0]},
        }

    def check(self) -> None:
        """What holds of any books: all sums to 0, purses are what their accounts say."""
        assert sum(self.accounts.values()) == 0
        for member, purse in self.purses.items():
            purse.check()
            for place in ("available", "pending", "held"):
                assert self.accounts[f"member/{member}/{place}"] == purse.total(place), member
            assert self.accounts[f"member/{member}/owed"] == -purse.owed, member
        assert all(used >= 0 for used in self.used.values())
