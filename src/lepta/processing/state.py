"""What events are decided on: records of the office, claims, the ledger's working copy. Pure values."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from lepta.ledger.book import Book
from lepta.processing.acts import Act
from lepta.processing.events import Checkout, NaturalKey, Publish
from lepta.processing.heirs import Heirs, heir_at
from lepta.processing.held import Held
from lepta.processing.leaf import Leaf, Recorded
from lepta.processing.motion import Entered, Movement
from lepta.processing.owners import Claimant, Merge
from lepta.processing.seen import ProductSeen, StoreSeen
from lepta.rules.rulebook import Rulebook

Event = Checkout | Publish | Act

NATURAL, HEADER, FISCAL = 1, 2, 3
"""Scopes of claims; numbers of table `idempotency`."""


class Claim(NamedTuple):
    """A name under which an event may be recorded once; `key` are 16 bytes made of what the till said."""

    scope: int
    key: bytes


class Submission(NamedTuple):
    """An event on its way to the writer, with the names under which it may be recorded once."""

    event: Event
    claims: tuple[Claim, ...] = ()

    @classmethod
    def of(cls, event: Event, idempotency_key: str | None = None) -> "Submission":
        """`idempotency_key` is the till's request header."""
        if isinstance(event, Publish):
            return cls(event)
        if isinstance(event, Checkout):
            return cls(event, claims_of(event, idempotency_key))
        natural = (natural_claim(event.kind, event.key),) if event.key else ()
        return cls(event, (*_header(event.till, idempotency_key), *natural))

    @property
    def header(self) -> Claim | None:
        """The claim by the request header, if there is one."""
        return self.claims[0] if self.claims and self.claims[0].scope == HEADER else None


def claims_of(event: Checkout, idempotency_key: str | None = None) -> tuple[Claim, ...]:
    """The names a till gave a sale: its header first, then its natural key and its fiscal triple."""
    natural = natural_claim("checkout", event.key)
    header = _header(event.key[:2], idempotency_key)
    fiscal: tuple[Claim, ...] = ()
    if event.fiscal is not None:
        fiscal = (fiscal_claim(*event.fiscal),)
    return (*header, natural, *fiscal)


def _header(till: tuple[str, str] | None, idempotency_key: str | None) -> tuple[Claim, ...]:
    """A request header names one request of its till, whatever that was for."""
    if till is None or idempotency_key is None:
        return ()
    name = f"{till[0]}/{till[1]}/{idempotency_key}".encode()
    return (Claim(HEADER, sha256(name).digest()[:16]),)


# Neighbours in a till's or a drive's row are neighbours in the index, too: whole digests would lie all over it. The
# bytes that are no number are 12 of a SHA-256, so that among 10,000 tills and 10 years of days two have the same
# with a chance of 1 to 10^14; and even then a sale is only refused, as one whose name is taken.
def natural_claim(kind: str, key: NaturalKey) -> Claim:
    """Kind of event, store, till, business day and sequence: no till uses them twice."""
    store, till, day, sequence = key
    return Claim(NATURAL, till_key(f"{kind[0]}/{store}/{till}/{day}", sequence))


def till_key(till_day: str, sequence: int) -> bytes:
    """A natural key: 12 bytes for the till and its day, 4 for the sequence."""
    high, low = divmod(sequence, 1 << 32)
    return _digest(f"{till_day}/{high}", 12) + low.to_bytes(4)


def fiscal_claim(drive: str, number: int, sign: str) -> Claim:
    """6 bytes for the drive, 4 for the document's number, 6 for its sign."""
    high, low = divmod(number, 1 << 32)
    key = _digest(f"{drive}/{high}", 6) + low.to_bytes(4) + sha256(sign.encode()).digest()[:6]
    return Claim(FISCAL, key)


@lru_cache(maxsize=4_096)
def _digest(name: str, size: int) -> bytes:
    return sha256(name.encode()).digest()[:size]


@dataclass(frozen=True, slots=True)
class StoreRecord:
    """A store as the office keeps it."""

    id: str
    retailer: str
    region: str | None
    time_zone: str
    programme: str
    currency: str
    language: str
    location: tuple[int, int] | None = None
    """Latitude and longitude in hundred-thousandths of a degree."""
    seen: StoreSeen = field(init=False)
    """What the facts of its sales say of it; made once for all of them."""

    def __post_init__(self) -> None:
        """Make `seen`."""
        seen = StoreSeen(self.retailer, self.region, self.time_zone, self.programme)
        object.__setattr__(self, "seen", seen)


@dataclass(frozen=True, slots=True)
class ProductRecord:
    """A product as the office keeps it; `name` is a JSON name or None."""

    sku: str
    name: Any
    categories: tuple[str, ...]
    brand: str | None
    seen: ProductSeen | None = field(init=False)
    """What the facts of its sales say of it; None: nothing."""

    def __post_init__(self) -> None:
        """Make `seen`."""
        object.__setattr__(self, "seen", _product_seen(self.categories, self.brand))


@lru_cache(10_000)
def _product_seen(categories: tuple[str, ...], brand: str | None) -> ProductSeen | None:
    """Products of one sort share it: what all of a sale's lines need stays in the processor's cache."""
    return ProductSeen(categories, brand) if categories or brand else None


class Former(NamedTuple):
    """What a member's tier and segments were, until a moment."""

    until: datetime
    tier: str | None
    segments: tuple[str, ...]


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
    birthday: date | None = None
    joined_on: date | None = None
    since: datetime | None = None
    """From when on tier and segments hold; None: always."""
    active_since: datetime | None = None
    """From when on the card is active; None: always, or it is not."""
    former: tuple[Former, ...] = ()
    """What they were before, the earliest first, as far as somebody asks."""
    choices: tuple[tuple[str, str], ...] = ()
    """(campaign, beneficiary), by campaign: what the shopper chose at a kiosk for sales that say nothing."""

    def standing_at(self, moment: datetime) -> tuple[str | None, tuple[str, ...]]:
        """Tier and segments then."""
        if self.since is not None and moment < self.since:
            for until, tier, segments in self.former:
                if moment < until:
                    return tier, segments
        return self.tier, self.segments


class Records(Protocol):
    """The office's records that a batch needs."""

    def store(self, store: str) -> StoreRecord | None:
        """A store by id."""

    def product(self, sku: str) -> ProductRecord | None:
        """A product by SKU."""


class Claimed(NamedTuple):
    """The claim of a sale that nobody's card was shown with."""

    movement: Movement
    leaf: Leaf


class Subject(NamedTuple):
    """A sale that acts of a batch are about."""

    recorded: Recorded
    leaf: Leaf
    undone: list[Movement]
    """What took parts of it back before, in the order of the log."""
    expired: list[tuple[int, int, int]]
    """(place in the log, entry of its origin, points) of what its lots lost on their last day."""
    heirs: Heirs = ()
    """Who its member became."""
    claimed: Claimed | None = None
    """Wherever in the log that is: see `claim`."""

    @property
    def origin(self) -> Leaf:
        """What its lots were made by: the sale, or its claim."""
        return self.leaf if self.claimed is None else self.claimed.leaf

    @property
    def refs(self) -> tuple[str, ...]:
        """Its member, by all names that they had one after the other; of an anonymous sale none."""
        ref = self._ref
        return () if ref is None else (ref, *[heir.ref for heir in self.heirs])

    @property
    def _ref(self) -> str | None:
        seen = self.recorded.seen.member
        if seen is not None:
            return seen.ref
        return None if self.claimed is None else str(self.claimed.movement.facts["member"])

    def claim(self, before: int) -> Claimed | None:
        """Its claim, if that stands before a place of the log."""
        claimed = self.claimed
        return claimed if claimed is not None and claimed.movement.log_index < before else None

    def owner(self, before: int) -> str | None:
        """Whose sale it is, before a place of the log."""
        ref = self._ref
        if ref is None or (self.recorded.seen.member is None and self.claim(before) is None):
            return None
        return heir_at(ref, self.heirs, before)


class MemberRow(NamedTuple):
    """What the office has of a member who is to be merged, locked; `merged_into`: its name for who they became."""

    id: str
    ref: str
    merged_into: str | None


@dataclass(slots=True)
class State:
    """A batch's working copy. `decide` reads it and, for what it records, moves it on."""

    shard: int
    size: int
    rulebook: Rulebook
    claims: dict[Claim, int | bytes]
    """Log index of the recorded event, or a stored refusal's bytes."""
    recorded: dict[int, Entered]
    book: Book
    counts: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    """What this batch consumed of each counter, less what it released."""
    subjects: dict[int, Subject] = field(default_factory=dict)
    """By place in the log."""
    voided: dict[int, int] = field(default_factory=dict)
    """By the place of a void that came first: that of the sale, once it is recorded."""
    taken_back: set[int] = field(default_factory=set)
    """Places of sales that a void has taken back, of those that `claims` name."""
    stores: dict[str, StoreSeen] = field(default_factory=dict)
    """Where acts of the batch take place."""
    holds: dict[int, Held] = field(default_factory=dict)
    """Those that the batch's events name, by place in the log."""
    heirs: dict[str, Heirs] = field(default_factory=dict)
    """Who members that acts name became, of those who were merged."""
    gave: dict[int, dict[tuple[str, str], list[int]]] = field(default_factory=dict)
    """By account of a member who is to be merged, campaign and fund: points and money that they gave."""
    claimants: dict[tuple[NaturalKey, str], Claimant] = field(default_factory=dict)
    """By sale and card: who claims sales, of those whom somebody knows."""
    former: dict[int, Rulebook] = field(default_factory=dict)
    """By number: those that sales were decided by which are claimed now."""
    rows: tuple[MemberRow, ...] = ()
    """Of the two of a merge; one whom somebody else is changing is not here."""

    def resolve(self, hold: int, by: int) -> None:
        """A hold has ended by the event at that place."""
        self.holds[hold] = replace(self.holds[hold], resolved_by=by)

    def hand_over(self, merge: Merge) -> None:
        """Holds of who is merged are the other one's from now on."""
        for place, held in self.holds.items():
            if held.member == merge.member:
                self.holds[place] = replace(held, owner=merge.into)

    def give(
        self, member: int | None, campaign: str, fund: str, points: int, money_minor: int
    ) -> None:
        """Count what a member gave, by their account."""
        if member is None:
            return
        sums = self.gave.setdefault(member, {}).setdefault((campaign, fund), [0, 0])
        sums[0] += points
        sums[1] += money_minor
