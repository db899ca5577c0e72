"""What kiosks and visitors are answered, for the published description."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from lepta.names import NameDocument


class ExpiringLot(BaseModel):
    """Points that can be used up to and including `on`."""

    on: date
    points: int


class PendingLot(BaseModel):
    """Points that can be used from the day on that begins `on`."""

    on: date
    points: int


class CardPoints(BaseModel):
    """Points of a programme, in its smallest unit; `expiring` within 60 days. `available` are without those whose last
    day is over in the kiosk's store; `pending` ones become available on the days of `pending_until`.
    """

    available: int
    held: int
    pending: int
    expiring: list[ExpiringLot]
    pending_until: list[PendingLot]


class FundShare(BaseModel):
    """What was given to one fund in this shopper's name."""

    fund: str
    points: int
    money: int


class Choice(BaseModel):
    """The beneficiary that the card's owner chose for a campaign, for sales that name none."""

    campaign: str
    beneficiary: str


class CardAnswer(BaseModel):
    """A card, its owner's first name and points."""

    card: str
    card_status: str
    first_name: str | None
    tier: str | None
    points: CardPoints
    donations: list[FundShare]
    choices: list[Choice]


class HistoryPoints(BaseModel):
    """Points of one event; below 0 where a void or a return undid what a sale had done."""

    earned: int
    pending: int = Field(description="Of a sale: the part of `earned` that has to wait.")
    redeemed: int
    given: int
    shortfall: int
    owed: int = Field(description="Taken back though spent, to be kept from what is earned next.")
    matured: int = Field(description="Had to wait until that day.")
    expired: int
    adjusted: int = Field(description="Given by the office, or, below 0, taken.")
    transferred: int = Field(description="Left by another member, or, below 0, to another one.")
    held: int = Field(
        description="Set aside; below 0: they came back, to be spent in the same sale or to be free."
    )


class HistoryDonation(FundShare):
    """A donation of one event."""

    campaign: str


class HistoryItem(BaseModel):
    """One event on the card."""

    log_index: int
    kind: str
    occurred_at: datetime
    store: str | None = Field(description="null: it happened in no store.")
    points: HistoryPoints
    donations: list[HistoryDonation]


class HistoryAnswer(BaseModel):
    """A page of a card's history, the newest first."""

    items: list[HistoryItem]
    next: str | None = Field(
        description="Give it back as `after` for the next page; null: this is the last."
    )


class Beneficiary(BaseModel):
    """One row of a standing."""

    beneficiary: str
    name: NameDocument
    donations: int
    shoppers: int
    points: int
    money: int


class StandingAnswer(BaseModel):
    """A campaign's beneficiaries, most money first."""

    campaign: str
    beneficiaries: list[Beneficiary]


class FundMoney(BaseModel):
    """Money in one currency, minor units: given to the fund, and paid out of that."""

    currency: str
    given: int
    paid: int


class FundAnswer(BaseModel):
    """What a fund was given, net of reversals."""

    fund: str
    name: NameDocument
    points: int
    money: list[FundMoney]
    donations: int
