"""What tills are answered, for the published description; the answers themselves are built as bytes."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field, RootModel


class ExpiringPoints(BaseModel):
    """Points that can be used up to and including `on`."""

    on: date
    points: int


class BalanceAnswer(BaseModel):
    """The member's points right after the sale."""

    available: int
    held: int
    pending: int
    expiring: list[ExpiringPoints]


class PointsAnswer(BaseModel):
    """Points of this sale, in the programme's smallest unit; `pending` is part of `earned`."""

    earned: int
    pending: int
    redeemed: int
    given: int
    shortfall: int
    balance: BalanceAnswer | None


class FunderAnswer(BaseModel):
    """What a party owes of a donation."""

    party: str
    money: int


class FromShopper(BaseModel):
    """What the shopper gave of their own."""

    points: int
    money: int


class DonationAnswer(BaseModel):
    """A donation; `money` is the funders' and the shopper's together."""

    campaign: str
    fund: str
    points: int
    money: int
    units: int
    funders: list[FunderAnswer]
    from_shopper: FromShopper


class LineAnswer(BaseModel):
    """What one line of the receipt earned and redeemed."""

    line: int
    earned: int
    redeemed: int
    campaigns: list[str]


class OfferAnswer(BaseModel):
    """What the shopper may add; a checkout has none, since its sale is over."""

    id: str = Field(description="The campaign; `gifts` of the sale name it.")
    text: str = Field(description="For the shopper, in the receipt's language.")
    amount: int = Field(
        description="Money in minor units that comes on top of what is to be paid; 0 where points are offered."
    )
    points: int | None = Field(
        default=None,
        description="The shopper's points, smallest units, where the offer is of points; left out otherwise.",
    )


class Explanation(BaseModel):
    """Why a campaign fired or not."""

    campaign: str
    fired: bool
    because: str


class ReceiptAnswer(BaseModel):
    """Text for the printer: lines of at most `width` columns."""

    language: str
    width: int
    text: str
    escpos: str | None = Field(default=None, description="Base64; only with `?receipt=escpos`.")


class ReturnedLineAnswer(BaseModel):
    """So much of one line of a sale."""

    line: int
    quantity: str
    amount: int


class CheckoutReturn(BaseModel):
    """A return of goods of a sale."""

    return_: str = Field(alias="return")
    log_index: int
    lines: list[ReturnedLineAnswer]
    total: int


class SaleAnswer(BaseModel):
    """What a sale comes to."""

    rulebook: str
    replayed: bool
    voided: bool
    card_status: str
    flags: list[str]
    total: int
    to_pay: int
    points: PointsAnswer
    donations: list[DonationAnswer]
    lines: list[LineAnswer]
    offers: list[OfferAnswer]
    explain: list[Explanation] | None = Field(
        default=None, description="Left out with `?explain=false`."
    )
    returns: list[CheckoutReturn] | None = Field(
        default=None, description="What has come back since; left out where nothing has."
    )
    receipt: ReceiptAnswer


class CheckoutAnswer(SaleAnswer):
    """A recorded sale."""

    checkout: str
    log_index: int


class TrainingAnswer(SaleAnswer):
    """What a sale of a till in training would come to. Nothing is recorded."""

    checkout: None
    log_index: None
    training: Literal[True]


class UnrecordedAnswer(RootModel[CheckoutAnswer | TrainingAnswer]):
    """A sale that was recorded before, or one of a till in training."""


class QuoteAnswer(SaleAnswer):
    """What a sale would come to. Nothing is recorded."""

    checkout: None
    log_index: None
    training: Literal[True] | None = Field(
        default=None, description="Left out unless the till is in training."
    )
    quote: str = Field(description="Opaque; the sale names it under `quote`.")
    valid_until: datetime = Field(description="The last second in which a sale may name it.")
    redeemable: int = Field(description="The most points that may be spent on this basket now.")


class PointsBackAnswer(BaseModel):
    """What a void or a return did to the member's points, in the programme's smallest unit."""

    clawed_back: int = Field(
        description="Earned points taken back, those owed from now on included."
    )
    restored: int = Field(description="Points that had paid for what came back.")
    shortfall: int = Field(description="Earned points that were spent and are written off.")
    owed: int = Field(description="Of `clawed_back`: spent, to be kept from what is earned next.")
    repaid: int = Field(description="Points of the member that paid what they owed before.")
    balance: BalanceAnswer | None


class DonationBackAnswer(BaseModel):
    """What of a donation went with the goods, or stays with the fund all the same."""

    campaign: str
    fund: str
    points: int
    money: int
    funders: list[FunderAnswer]
    from_shopper: FromShopper
    outcome: Literal["reversed", "kept"]
    because: str


class _ReversalAnswer(BaseModel):
    checkout: str | None = Field(description="The sale; null if none is known by that name yet.")
    rulebook: str
    replayed: bool
    flags: list[str]
    points: PointsBackAnswer
    donations: list[DonationBackAnswer]
    to_refund: int = Field(description="What the shopper is to be paid back, minor units.")
    receipt: ReceiptAnswer


class VoidAnswer(_ReversalAnswer):
    """A recorded void."""

    void: str
    log_index: int


class TrainingVoidAnswer(_ReversalAnswer):
    """What the void of a till in training would come to. Nothing is recorded."""

    void: None
    log_index: None
    training: Literal[True]


class UnrecordedVoidAnswer(RootModel[VoidAnswer | TrainingVoidAnswer]):
    """A void that was recorded before, or one of a till in training."""


class ReturnAnswer(_ReversalAnswer):
    """A recorded return."""

    return_: str = Field(alias="return")
    log_index: int


class TrainingReturnAnswer(_ReversalAnswer):
    """What the return of a till in training would come to. Nothing is recorded."""

    return_: None = Field(alias="return")
    log_index: None
    training: Literal[True]


class UnrecordedReturnAnswer(RootModel[ReturnAnswer | TrainingReturnAnswer]):
    """A return that was recorded before, or one of a till in training."""
