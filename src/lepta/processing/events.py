"""What may happen: frozen values, and the canonical bytes they are stored and compared by."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from lepta.errors import DomainError, Kind
from lepta.money import MICRO
from lepta.processing.canonical import canonical
from lepta.rules.facts import Gift

LineKind = Literal["goods", "gift-card", "donation", "deposit"]
MAX = -1
"""`redeem` of a sale that asks for as much as may be spent."""


class NaturalKey(NamedTuple):
    """How a till names an event, whatever request carries it. It never expires."""

    store: str
    till: str
    business_day: date
    sequence: int

    @classmethod
    def of(cls, array: Sequence[Any]) -> "NaturalKey":
        """As it stands in JSON."""
        store, till, day, sequence = array
        return cls(store, till, date.fromisoformat(day), sequence)


class BasketLine(NamedTuple):
    """One line as the till sent it. Amounts in minor units, the quantity in millionths."""

    line: int
    sku: str
    quantity_micro: int
    amount: int
    unit_price: int | None = None
    kind: LineKind = "goods"
    name: Any = None
    categories: tuple[str, ...] | None = None
    brand: str | None = None


class Fiscal(NamedTuple):
    """The fiscal drive, document number and sign: unique to a receipt whatever the till calls it."""

    fn: str
    i: int
    fp: str


class Checkout(NamedTuple):
    """A sale, as the till saw it.

    `basket` are its canonical bytes, without card and natural key; `identity` are those of the whole,
    which make two events equal: everything but `offline`, defaults filled in. Empty where it was read
    back, since nothing stored names the card. `quote` is the name of the quote that it is to be decided by (see
    `quote_name`), `token` the quote itself, which nothing stored holds.
    """

    key: NaturalKey
    occurred_at: datetime
    currency: str
    card: str | None
    lines: tuple[BasketLine, ...]
    total: int
    redeem: int
    choice: tuple[str, str] | None
    gifts: tuple[Gift, ...]
    fiscal: Fiscal | None
    offline: bool
    basket: bytes
    identity: bytes = b""
    quote: str | None = None
    token: str | None = None
    hold: str | None = None
    """The id of the hold whose points it may spend."""


class Publish(NamedTuple):
    """A change to the rulebook, as canonical bytes; recorded in the log like any event."""

    change: bytes


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def moment_of(occurred_at: datetime) -> int:
    """Microseconds since 1970."""
    return (occurred_at - _EPOCH) // _MICROSECOND


def identity(key: NaturalKey, occurred_at: datetime, basket: bytes, card: str | None) -> bytes:
    """The canonical bytes of a whole checkout. The card comes last and may be absent, not empty.

    A moment is the same whatever offset it is told with: a store-and-forward till may re-send it in UTC.
    """
    store, till, day, sequence = key
    moment = moment_of(occurred_at)
    owner = b"" if card is None else b"\ncard " + card.encode()
    place = f"{store}\n{till}\n{day.isoformat()}\n{sequence}\n{moment}\n"
    return place.encode() + basket + owner


def basket_bytes(
    *,
    currency: str,
    lines: tuple[BasketLine, ...],
    total: int,
    redeem: int,
    choice: tuple[str, str] | None,
    gifts: tuple[Gift, ...],
    fiscal: Fiscal | None,
    quote: str | None = None,
    hold: str | None = None,
) -> bytes:
    """The basket as it is stored and hashed: canonical JSON, what is left at its default left out.

    A line is an array in the order of `BasketLine`, cut after its last field that is not the default.
    """
    document: dict[str, Any] = {
        "currency": currency,
        "lines": line_arrays(lines),
        "total": total,
    }
    if redeem:
        document["redeem"] = redeem
    if choice:
        document["choice"] = choice
    if gifts:
        document["gifts"] = [(g.campaign, g.accepted, g.amount_minor) for g in gifts]
    if fiscal:
        document["fiscal"] = list(fiscal)
    if quote:
        document["quote"] = quote
    if hold is not None:
        document["hold"] = hold
    return canonical(document)


def line_arrays(lines: tuple[BasketLine, ...]) -> list[Sequence[Any]]:
    """Lines as the basket has them: see `basket_bytes`."""
    arrays: list[Sequence[Any]] = []
    for number, sku, micro, amount, unit_price, kind, name, categories, brand in lines:
        quantity = str(micro) if micro % MICRO else micro // MICRO
        if kind != "goods" or name is not None or categories is not None or brand is not None:
            special = None if kind == "goods" else kind
            array = [number, sku, quantity, amount, unit_price, special, name, categories, brand]
            while array[-1] is None:
                array.pop()
            arrays.append(array)
        elif unit_price is not None:
            arrays.append((number, sku, quantity, amount, unit_price))
        else:
            arrays.append((number, sku, quantity, amount))
    return arrays


def _line(array: list[Any]) -> BasketLine:
    number, sku, quantity, amount, *rest = array
    unit_price, kind, name, categories, brand = rest + [None] * (5 - len(rest))
    return BasketLine(
        number,
        sku,
        quantity * MICRO if isinstance(quantity, int) else int(quantity),
        amount,
        unit_price,
        kind or "goods",
        name,
        None if categories is None else tuple(categories),
        brand,
    )


def parse_basket(
    key: NaturalKey, occurred_at: datetime, document: dict[str, Any], *, offline: bool
) -> Checkout:
    """The checkout that a stored basket describes. Its card is not in there: nothing stored names it."""
    choice, fiscal = document.get("choice"), document.get("fiscal")
    return Checkout(
        key=key,
        occurred_at=occurred_at,
        currency=document["currency"],
        card=None,
        lines=tuple(_line(array) for array in document["lines"]),
        total=document["total"],
        redeem=document.get("redeem", 0),
        choice=(choice[0], choice[1]) if choice else None,
        gifts=tuple(Gift(*gift) for gift in document.get("gifts", ())),
        fiscal=Fiscal(*fiscal) if fiscal else None,
        offline=offline,
        basket=canonical(document),
        quote=document.get("quote"),
        hold=document.get("hold"),
    )


def quote_name(token: str) -> str:
    """By which a sale names its quote for ever: half a SHA-256 of it, base64url without padding.

    So a sale that is sent again without its quote, or with another, is another sale.
    """
    digest = sha256(token.encode("utf-8", "surrogatepass")).digest()[:16]
    return urlsafe_b64encode(digest)[:-2].decode()


class KeyReused(DomainError):
    """Key already used for a different event.

    Source: draft-ietf-httpapi-idempotency-key-header, "Error Handling".
    """

    code = "idempotency-key-reused"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} belongs to an event with other contents, and nothing was recorded. Send the first body "
            "again, or give the new event a sequence and a key of its own.",
            reused=what,
        )


_SALE_AGAIN = "send the sale again with fewer points, under the same sequence and a new Idempotency-Key (or none)."


_WHY_BLOCKED = {
    "many-sales": "the card has been used more often today than the programme allows",
    "two-places": "the card was used in a distant store a moment ago",
    "spent-at-once": "the card has only just become active",
}


class InsufficientPoints(DomainError):
    """Not enough points may be spent."""

    code = "insufficient-points"
    kind = Kind.CONFLICT

    def __init__(self, asked: int, redeemable: int, remedy: str = _SALE_AGAIN) -> None:
        super().__init__(
            f"{asked} points were to be spent, at most {redeemable} may be. Nothing was recorded: {remedy}",
            redeemable=redeemable,
        )

    @classmethod
    def blocked(cls, asked: int, because: str) -> "InsufficientPoints":
        """The same where none may be spent; `because`: the flag of what is suspicious about the card's use."""
        refusal = cls.__new__(cls)
        DomainError.__init__(
            refusal,
            f"{asked} points were to be spent, none may be: {_WHY_BLOCKED[because]}. Nothing was recorded: send the "
            "sale again without points, under the same sequence and a new Idempotency-Key (or none).",
            redeemable=0,
            because=because,
        )
        return refusal

    @classmethod
    def to_hold(cls, asked: int, redeemable: int, because: str = "") -> "InsufficientPoints":
        """The same of points that were to be set aside; `because`: why a card may spend nothing at all."""
        refusal = cls.__new__(cls)
        DomainError.__init__(
            refusal,
            f"{asked} points were to be set aside, at most {redeemable} may be spent{because}. Nothing was set aside: "
            "ask for fewer points, with a new Idempotency-Key (or none).",
            redeemable=redeemable,
        )
        return refusal


class HoldMismatch(DomainError):
    """The hold is not one of this card in this store.

    The sale names a hold that nobody made, or one of another card or another store. Nothing was recorded, and the hold
    is as it was.
    """

    code = "hold-mismatch"
    kind = Kind.CONFLICT

    def __init__(self, hold: str) -> None:
        super().__init__(
            f"No hold {hold} of this card was made in this store. Nothing was recorded: send the sale again with the "
            "right `hold`, or without one, and with a new Idempotency-Key (or none).",
            hold=hold,
        )


class QuoteStale(DomainError):
    """What was quoted does not hold.

    The member `because` says why: `expired`, the quote is too old; `basket`, it is of other lines, another total,
    card, till or day; `unknown`, it is none of ours; `points`, fewer points may be spent than it said; `outcome`,
    a limit, the shopper's record or the hour has changed what the sale gets; `gift`, the till's figure for a gift
    is not ours. Ask for a new quote and show the shopper what it says, or send the sale without one.
    """

    code = "quote-stale"
    kind = Kind.CONFLICT

    def __init__(self, because: str, why: str, **members: Any) -> None:
        super().__init__(
            f"{why} Nothing was recorded: ask for a new quote, or send the sale without one, with a new "
            "Idempotency-Key (or none).",
            because=because,
            **members,
        )

    @classmethod
    def of_gift(cls, campaign: str, taken: int, amount: int) -> "QuoteStale":
        """The till took another amount for a gift than we offer."""
        stale = cls.__new__(cls)
        DomainError.__init__(
            stale,
            f"The till took {taken} for {campaign}, the offer is {amount}. Nothing was recorded: show the "
            "shopper the new amount and send the sale again with a new Idempotency-Key (or none).",
            because="gift",
            gifts=[{"campaign": campaign, "amount": amount}],
        )
        return stale


class UnknownOriginal(DomainError):
    """No such sale is recorded.

    A void or a return names a sale that is not in the log, or is another retailer's. Where the sale still waits
    in a till, send it first; a void by the sale's own name (`POST /v1/voids`) may come before it. A return
    whose sale nobody knows is sent without `original`, or as `offline`: the office looks into it.
    """

    code = "unknown-original"
    kind = Kind.NOT_FOUND

    def __init__(self, why: str = "No such sale is recorded.") -> None:
        super().__init__(
            f"{why} Nothing was taken back: send the sale first if it is still waiting, or correct what names it, "
            "under a new Idempotency-Key (or none). A return without `original` is recorded for the office to "
            "look into."
        )


class TooBusy(DomainError):
    """More is waiting than can be recorded right now."""

    code = "too-busy"
    kind = Kind.BUSY

    def __init__(self, why: str, retry_after_s: int = 1) -> None:
        super().__init__(
            f"{why} The sale may or may not be recorded: send it again, unchanged, after "
            f"{retry_after_s} s; it will not count twice.",
            retry_after_s=retry_after_s,
        )
        self.retry_after_s = retry_after_s
