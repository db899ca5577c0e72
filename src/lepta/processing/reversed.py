"""What a void or a return took back of a sale: all that its answer and every later return of the sale go by."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from lepta.processing.outcome import Balance, Borne
from lepta.processing.proration import ReturnedLine

Json = dict[str, Any]


class Because(IntEnum):
    """Why a donation is taken back or stays. The numbers are stored: never change one, never use one again."""

    RETURNED = 1
    VOIDED = 2
    SHOPPERS_GIFT = 3
    CAMPAIGN_KEEPS = 4
    JUDGED_AGAIN = 5


KEPT = frozenset({Because.SHOPPERS_GIFT, Because.CAMPAIGN_KEEPS})
SENTENCES = {
    Because.RETURNED: "the goods that it was given for came back",
    Because.VOIDED: "the sale was voided",
    Because.SHOPPERS_GIFT: "what the shopper gave stays with the fund",
    Because.CAMPAIGN_KEEPS: "the campaign leaves its donations with the fund",
    Because.JUDGED_AGAIN: "the campaign gives less for the goods that are left",
}


class EarnedBack(NamedTuple):
    """Earned points that went with the goods: (entry of the sale that issued them, points), as the legs of
    `outcome.Earned`.
    """

    campaign: str
    legs: tuple[tuple[int, int], ...]

    @property
    def points(self) -> int:
        """Smallest units."""
        return sum([points for _, points in self.legs])


class DonationBack(NamedTuple):
    """The part of a donation that went with the goods, or would have if it were not kept."""

    campaign: str
    fund: str
    points: int
    money: int
    because: Because
    funders: tuple[Borne, ...]
    """As many as the donation has, in its order."""
    shopper_points: int
    shopper_money: int

    @property
    def kept(self) -> bool:
        """Whether it stays with the fund."""
        return self.because in KEPT


class Renewed(NamedTuple):
    """Points that came back to a lot that had ended: entry `leg` of the reversal made them a new one. The lot they
    were spent from is `parent_leg` of event `parent`.
    """

    leg: int
    parent: int
    parent_leg: int
    points: int


class Reversed(NamedTuple):
    """Everything that was decided about one void or return; points in smallest units, money in minor ones.

    What went back of the points earned = `clawed_back` + `shortfall` + `lapsed`.
    """

    void: bool
    lines: tuple[ReturnedLine, ...]
    """What came back, as the till said; of a void nothing is said."""
    total: int
    to_refund: int
    restored: int
    """Points that had paid for what came back."""
    restored_money: int
    clawed_back: int
    """Points taken from the member, those included that they owe from now on."""
    owed: int
    shortfall: int
    """Points that the member had spent and does not owe."""
    earned: tuple[EarnedBack, ...]
    lapsed: tuple[tuple[int, int], ...]
    """(entry of the sale, points) that had expired by then: nobody has them any more."""
    donations: tuple[DonationBack, ...]
    renewed: tuple[Renewed, ...]
    repaid: int = 0
    """Points of the member that paid what they owed from before."""
    balance: Balance | None = None
    """The member's points afterwards; filled in once it is booked."""

    def to_document(self) -> Json:
        """As it lies beside the leaf: arrays in the order of the fields, what is nothing left out."""
        document: Json = {"refund": [int(self.void), self.total, self.to_refund]}
        points = [self.restored, self.restored_money, self.clawed_back, self.owed, self.shortfall]
        if any(points):
            document["points"] = points
        if self.lines:
            document["lines"] = list(map(tuple, self.lines))
        if self.earned:
            document["earned"] = [[one.campaign, *map(list, one.legs)] for one in self.earned]
        if self.lapsed:
            document["lapsed"] = list(map(list, self.lapsed))
        if self.donations:
            document["donations"] = list(map(_donation_array, self.donations))
        if self.renewed:
            document["renewed"] = list(map(tuple, self.renewed))
        if self.repaid:
            document["repaid"] = self.repaid
        if self.balance is not None:
            available, held, pending, days = self.balance
            document["balance"] = [available, held, pending, *days]
        return document

    @classmethod
    def of(cls, document: Json) -> "Reversed":
        """What `to_document` wrote."""
        void, total, to_refund = document["refund"]
        restored, money, clawed_back, owed, shortfall = document.get("points", [0] * 5)
        return cls(
            void=bool(void),
            lines=tuple(ReturnedLine(*line) for line in document.get("lines", ())),
            total=total,
            to_refund=to_refund,
            restored=restored,
            restored_money=money,
            clawed_back=clawed_back,
            owed=owed,
            shortfall=shortfall,
            earned=tuple(EarnedBack(c, _pairs(legs)) for c, *legs in document.get("earned", ())),
            lapsed=_pairs(document.get("lapsed", ())),
            donations=tuple(_donation(*array) for array in document.get("donations", ())),
            renewed=tuple(Renewed(*array) for array in document.get("renewed", ())),
            repaid=document.get("repaid", 0),
            balance=Balance.read(document.get("balance")),
        )


@dataclass(frozen=True, slots=True)
class History:
    """What all voids and returns of one sale took back so far."""

    past: Sequence[Reversed]

    @property
    def restored(self) -> int:
        """Redeemed points that went back."""
        return sum([one.restored for one in self.past])

    @property
    def restored_money(self) -> int:
        """What these points had paid."""
        return sum([one.restored_money for one in self.past])

    @property
    def due(self) -> int:
        """What its returns alone would have the shopper paid back, points and gifts considered; may be below 0."""
        gifts = [back.shopper_money for one in self.past for back in one.donations if not back.kept]
        return sum([one.total for one in self.past]) - self.restored_money + sum(gifts)

    @property
    def refunded(self) -> int:
        """What was to be paid back."""
        return sum([one.to_refund for one in self.past])

    @property
    def lapsed(self) -> dict[int, int]:
        """By entry of the sale: points that had expired when they were to go back."""
        sums: dict[int, int] = {}
        for leg, points in (each for one in self.past for each in one.lapsed):
            sums[leg] = sums.get(leg, 0) + points
        return sums

    def earned(self, campaign: str) -> list[EarnedBack]:
        """What went back of a campaign's points."""
        return [back for one in self.past for back in one.earned if back.campaign == campaign]

    def donations(self, campaign: str, *, kept: bool = False) -> list[DonationBack]:
        """What went back of a campaign's donation; or what was kept though its goods went back."""
        backs = [back for one in self.past for back in one.donations if back.campaign == campaign]
        return [back for back in backs if back.kept is kept]


def _pairs(arrays: Iterable[Any]) -> tuple[tuple[int, int], ...]:
    return tuple([(leg, points) for leg, points in arrays])


def _donation_array(donation: DonationBack) -> list[Any]:
    campaign, fund, points, money, because, funders, shopper_points, shopper_money = donation
    borne = list(map(tuple, funders))
    return [campaign, fund, points, money, int(because), borne, shopper_points, shopper_money]


def _donation(  # noqa: PLR0917 - the order is the stored one
    campaign: str,
    fund: str,
    points: int,
    money: int,
    because: int,
    funders: Iterable[Iterable[Any]],
    shopper_points: int,
    shopper_money: int,
) -> DonationBack:
    borne = tuple([Borne(*each) for each in funders])
    return DonationBack(
        campaign, fund, points, money, Because(because), borne, shopper_points, shopper_money
    )
