"""What tills are answered, for the published description; the answers themselves are built as bytes."""

from datetime import date

from pydantic import BaseModel, Field


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

    id: str
    text: str
    amount: int


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


class CheckoutAnswer(BaseModel):
    """A recorded sale."""

    checkout: str
    log_index: int
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
    receipt: ReceiptAnswer
