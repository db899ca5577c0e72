"""What a batch is decided on: the office's records, claims, the ledger's working copy. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from lepta.ledger.book import Book
from lepta.processing.events import Checkout, NaturalKey, Submission
from lepta.processing.leaf import Recorded
from lepta.rules.rulebook import Rulebook

NATURAL, HEADER, FISCAL = 1, 2, 3
"""Scopes of claims; numbers of table `idempotency`."""


class Claim(NamedTuple):
    """A name under which an event may be recorded once."""

    scope: int
    key: bytes


def claims_of(submission: Submission) -> tuple[Claim, ...]:
    """The names a till gave an event: its header first, then its natural key and its fiscal triple."""
    event = submission.event
    if not isinstance(event, Checkout):
        return ()
    key = event.key
    till = f"{key.store}/{key.till}/"
    claims = [natural_claim("checkout", key)]
    if submission.idempotency_key is not None:
        claims.insert(0, Claim(HEADER, f"{till}{submission.idempotency_key}".encode()))
    if event.fiscal is not None:
        claims.append(Claim(FISCAL, "/".join(map(str, event.fiscal)).encode()))
    return tuple(claims)


def natural_claim(kind: str, key: NaturalKey) -> Claim:
    """Kind of event, store, till, business day and sequence: no till uses them twice."""
    day = key.business_day.strftime("%Y%m%d")
    return Claim(NATURAL, f"{kind[0]}/{key.store}/{key.till}/{day}/{key.sequence}".encode())


class StoreRecord(NamedTuple):
    """A store as the office keeps it."""

    id: str
    retailer: str
    region: str | None
    time_zone: str
    programme: str
    currency: str
    language: str


class ProductRecord(NamedTuple):
    """A product as the office keeps it; `name` is a JSON name or None."""

    sku: str
    name: Any
    categories: tuple[str, ...]
    brand: str | None


class ShopperRecord(NamedTuple):
    """The member behind a card, as of now. Only `ref`, `tier` and `segments` may enter the ledger."""

    card: str
    status: str
    ref: str
    tier: str | None
    segments: tuple[str, ...]
    first_name: str | None
    gender: str | None
    language: str | None


class Records(Protocol):
    """The office's records that a batch needs."""

    def store(self, store: str) -> StoreRecord | None:
        """A store by id."""

    def product(self, sku: str) -> ProductRecord | None:
        """A product by SKU."""


@dataclass(slots=True)
class State:
    """A batch's working copy. `decide` reads it and, for what it records, moves it on."""

    shard: int
    size: int
    rulebook: Rulebook
    records: Records
    shoppers: Mapping[str, ShopperRecord]
    claims: dict[Claim, int | bytes]
    """Log index of the recorded event, or a stored refusal's bytes."""
    recorded: dict[int, Recorded]
    book: Book
    counts: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    """What this batch consumed of each counter."""
