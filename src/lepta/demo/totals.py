"""What the tills were told, added up; and whether the service's books say the same. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Answer = dict[str, Any]
SHOPPERS = "shoppers"
"""Stands for the shoppers' own money among the payers."""


class Given(NamedTuple):
    """What a fund or beneficiary was given: points, minor units and how many donations."""

    points: int = 0
    money_minor: int = 0
    donations: int = 0

    def plus(self, points: int, money_minor: int, donations: int = 1) -> "Given":
        """With so much more; with less, where something is taken back."""
        return Given(
            self.points + points, self.money_minor + money_minor, self.donations + donations
        )


@dataclass(slots=True)
class Totals:
    """Sums over answers. Does not depend on the order in which they are added."""

    checkouts: int = 0
    turnover_minor: int = 0
    earned: int = 0
    redeemed: int = 0
    redeemed_minor: int = 0
    shortfall: int = 0
    cards: Counter[str] = field(default_factory=Counter)
    """Points on each card after its sales, for cards that had none before."""
    funds: defaultdict[str, Given] = field(default_factory=lambda: defaultdict(Given))
    owed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Minor units by (fund, payer); `SHOPPERS` where it was the shoppers' own money."""
    standings: defaultdict[tuple[str, str], Given] = field(
        default_factory=lambda: defaultdict(Given)
    )
    """By (campaign, fund)."""
    supporters: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """What a card gave, by (campaign, fund, card): points and minor units together."""
    fired: Counter[str] = field(default_factory=Counter)
    """In how many checkouts a campaign fired."""
    flags: Counter[str] = field(default_factory=Counter)
    voids: int = 0
    returns: int = 0
    unreferenced: int = 0
    refunded_minor: int = 0
    clawed_back: int = 0
    restored: int = 0

    def add(self, card: str | None, answer: Answer) -> None:
        """Take in the answer to one checkout."""
        points = answer["points"]
        self.checkouts += 1
        self.turnover_minor += answer["total"]
        self.earned += points["earned"]
        self.redeemed += points["redeemed"]
        self.shortfall += points["shortfall"]
        own_money = sum(d["from_shopper"]["money"] for d in answer["donations"])
        self.redeemed_minor += answer["total"] + own_money - answer["to_pay"]
        self.flags.update(answer["flags"])
        self.fired.update(said["campaign"] for said in answer["explain"] if said["fired"])
        if card is not None:
            self.cards[card] += points["earned"] - points["redeemed"] - points["given"]
        for donation in answer["donations"]:
            self._add_donation(card, donation)

    def _add_donation(self, card: str | None, donation: dict[str, Any]) -> None:
        fund, points, money_minor = donation["fund"], donation["points"], donation["money"]
        self.funds[fund] = self.funds[fund].plus(points, money_minor)
        place = (donation["campaign"], fund)
        self.standings[place] = self.standings[place].plus(points, money_minor)
        if card is not None:
            self.supporters[*place, card] += points + money_minor
        for funder in donation["funders"]:
            self.owed[fund, funder["party"]] += funder["money"]
        if own := donation["from_shopper"]["money"]:
            self.owed[fund, SHOPPERS] += own

    def take_back(self, kind: str, card: str | None, sale: Answer | None, answer: Answer) -> None:
        """Take in the answer to a void or a return, the only one of its sale."""
        points = answer["points"]
        self.voids += kind == "void"
        self.returns += kind == "return"
        self.unreferenced += "unreferenced" in answer["flags"]
        self.refunded_minor += answer["to_refund"]
        self.clawed_back += points["clawed_back"]
        self.restored += points["restored"]
        gone = [back for back in answer["donations"] if back["outcome"] == "reversed"]
        if card is not None:
            own = sum(back["from_shopper"]["points"] for back in gone)
            taken = points["clawed_back"] - points["owed"]
            self.cards[card] += points["restored"] + own - taken - points["repaid"]
        given = {d["campaign"]: d for d in sale["donations"]} if sale else {}
        for back in gone:
            self._take_donation_back(card, given[back["campaign"]], back)

    def _take_donation_back(self, card: str | None, given: Answer, back: Answer) -> None:
        fund, points, money_minor = back["fund"], back["points"], back["money"]
        whole = (points, money_minor) == (given["points"], given["money"])
        place = (back["campaign"], fund)
        self.funds[fund] = self.funds[fund].plus(-points, -money_minor, -whole)
        self.standings[place] = self.standings[place].plus(-points, -money_minor, -whole)
        if card is not None:
            self.supporters[*place, card] -= points + money_minor
        for funder in back["funders"]:
            self.owed[fund, funder["party"]] -= funder["money"]
        if own := back["from_shopper"]["money"]:
            self.owed[fund, SHOPPERS] -= own

    def shoppers(self, campaign: str, fund: str) -> int:
        """How many cards gave something that was not taken back."""
        return sum(
            given > 0 and (by, to) == (campaign, fund)
            for (by, to, _), given in self.supporters.items()
        )


def wrong_sums(answer: Answer) -> list[str]:
    """What does not add up inside one answer, a sentence each."""
    faults: list[str] = []
    name = answer["checkout"]
    for donation in answer["donations"]:
        paid = sum(f["money"] for f in donation["funders"]) + donation["from_shopper"]["money"]
        if paid != donation["money"]:
            faults.append(
                f"checkout {name}: {donation['campaign']} gives {donation['money']}, paid are {paid}"
            )
    by_line = sum(line["earned"] for line in answer["lines"])
    if by_line != answer["points"]["earned"]:
        faults.append(f"checkout {name}: earned {answer['points']['earned']}, its lines {by_line}")
    redeemed = sum(line["redeemed"] for line in answer["lines"])
    if redeemed != answer["points"]["redeemed"]:
        faults.append(
            f"checkout {name}: redeemed {answer['points']['redeemed']}, its lines {redeemed}"
        )
    return faults


def card_faults(totals: Totals, read: dict[str, Answer]) -> list[str]:
    """Cards whose balance, as `GET /v1/cards/{card}` tells it, is not the sum of their receipts."""
    return [
        f"card {card}: its receipts add up to {points} points, its balance is {read[card]['points']['available']}"
        for card, points in sorted(totals.cards.items())
        if read[card]["points"]["available"] != points
    ]


def fund_faults(totals: Totals, read: dict[str, Answer]) -> list[str]:
    """Funds whose account, as `GET /v1/funds/{id}` tells it, is not the sum of the receipts."""
    faults: list[str] = []
    for fund, answer in sorted(read.items()):
        money_minor = sum(money["given"] for money in answer["money"])
        told = Given(answer["points"], money_minor, answer["donations"])
        if told != totals.funds[fund]:
            faults.append(f"fund {fund}: receipts say {totals.funds[fund]}, its account {told}")
    return faults


def standing_faults(totals: Totals, campaign: str, read: Answer) -> list[str]:
    """Beneficiaries whose standing is not the sum of the receipts."""
    faults: list[str] = []
    for row in read["beneficiaries"]:
        place = (campaign, row["beneficiary"])
        told = (Given(row["points"], row["money"], row["donations"]), row["shoppers"])
        counted = (totals.standings[place], totals.shoppers(*place))
        if told != counted:
            faults.append(f"standing of {place[1]}: receipts say {counted}, the service {told}")
    return faults


def owed_faults(totals: Totals, booked: Mapping[tuple[str, str], int]) -> list[str]:
    """What the ledger's entries owe a fund otherwise than the receipts say."""
    receipts = {place: minor for place, minor in totals.owed.items() if minor}
    return [
        f"{payer} owes {fund} {receipts.get((fund, payer), 0)} by the receipts, {booked.get((fund, payer), 0)} booked"
        for fund, payer in sorted(receipts.keys() | booked.keys())
        if receipts.get((fund, payer), 0) != booked.get((fund, payer), 0)
    ]
