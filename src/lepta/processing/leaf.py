"""A leaf: the canonical JSON bytes of one event, exactly as hashed into the log. Never re-serialised to hash.

`v` version · `shard`, `index` place in the log · `kind` · `till` [store, till, business day, sequence] · `at`
[received (UTC, milliseconds), occurred] · `rulebook` the deciding one · `request`, `facts`, `basket` salted digests ·
`member` ref · `outcome` (see `Outcome.to_leaf`) · `opens` [[number, kind, ref, code, asset]] accounts first used here ·
`entries` [[debit, credit, amount, code]] by account number · `lots` [[entry, last day, available from]] of points that
expire or wait · `spent` [[log index, entry, points, last day]] · `used` [[counter, units]] of limits · `beside` digest of what of these
was too long and lies beside the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from lepta.ledger.book import Issue, Opened
from lepta.ledger.chart import Account
from lepta.ledger.entries import Posting
from lepta.ledger.lots import NEVER, Lot, Spent
from lepta.processing.canonical import canonical
from lepta.processing.events import Checkout, NaturalKey, identity, parse_basket
from lepta.processing.outcome import Outcome
from lepta.processing.seen import Seen, is_offline

LEAF_LIMIT = 65_535
MAX_SHARD = 2**15 - 1
MOVABLE = ("outcome", "opens", "entries", "lots", "spent", "used")
"""What lies beside the log, under the leaf's digest of it, when the whole is too long for a leaf."""
KINDS = {"rulebook": 1, "checkout": 2}
"""Numbers of table `event`: never change one, never use one again."""
KIND_NAMES = {number: name for name, number in KINDS.items()}


class Digests(NamedTuple):
    """Salted SHA-256 digests of what lies beside the log or nowhere, in hexadecimal."""

    request: str
    facts: str
    basket: str


def digests(salt: bytes, request: bytes, facts: bytes, basket: bytes) -> Digests:
    """Without the salt nobody can guess a card or basket and check the guess against a leaf."""
    return Digests(
        sha256(salt + b"request\n" + request).hexdigest(),
        sha256(salt + b"facts\n" + facts).hexdigest(),
        sha256(salt + b"basket\n" + basket).hexdigest(),
    )


def stamp(moment: datetime) -> str:
    """UTC to the millisecond, as `received` is written."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Booked(NamedTuple):
    """What an event did to the ledger, by account numbers."""

    opened: Sequence[Opened]
    postings: Sequence[Posting]
    issues: Sequence[Issue]
    spent: Sequence[Spent]
    used: Sequence[tuple[str, int]]

    def to_leaf(self) -> dict[str, Any]:
        """As it stands in the leaf; what is empty is left out."""
        document: dict[str, Any] = {}
        if self.opened:
            document["opens"] = [(number, *account) for number, account in self.opened]
        if self.postings:
            document["entries"] = self.postings
        lots = [
            (i.leg, _day(i.expires_on), i.available_on)
            for i in self.issues
            if i.expires_on != NEVER or i.available_on
        ]
        if lots:
            document["lots"] = lots
        if self.spent:
            document["spent"] = [
                (lot.log_index, lot.leg, points, _day(lot.expires_on)) for lot, points in self.spent
            ]
        if self.used:
            document["used"] = self.used
        return document


def _day(day: date) -> date | None:
    return None if day == NEVER else day


class Written(NamedTuple):
    """A leaf's bytes, and the lists that were too long for it."""

    leaf: bytes
    beside: bytes | None


def write(document: dict[str, Any]) -> Written:
    """Canonical JSON: keys sorted, no spaces, UTF-8. What is too long for a leaf is replaced by its digest."""
    leaf = canonical(document)
    if len(leaf) <= LEAF_LIMIT:
        return Written(leaf, None)
    moved = {name: document.pop(name) for name in MOVABLE if name in document}
    beside = canonical(moved)
    document["beside"] = sha256(beside).hexdigest()
    leaf = canonical(document)
    assert len(leaf) <= LEAF_LIMIT, len(leaf)
    return Written(leaf, beside)


def checkout_leaf(
    *,
    shard: int,
    log_index: int,
    event: Checkout,
    received_at: datetime,
    rulebook: bytes,
    hashes: Digests,
    member: str | None,
    outcome: Outcome,
    booked: Booked,
) -> Written:
    """The leaf of a sale."""
    document: dict[str, Any] = {
        "v": 1,
        "shard": shard,
        "index": log_index,
        "kind": "checkout",
        "till": event.key,
        "at": [stamp(received_at), event.occurred_at.isoformat()],
        "rulebook": rulebook.hex(),
        "request": hashes.request,
        "facts": hashes.facts,
        "basket": hashes.basket,
        "outcome": outcome.to_leaf(),
        **booked.to_leaf(),
    }
    if member is not None:
        document["member"] = member
    return write(document)


def rulebook_leaf(
    *, shard: int, log_index: int, received_at: datetime, rulebook: bytes, change: bytes
) -> Written:
    """The leaf of a publication: the new rulebook's digest and the change that made it."""
    return write(
        {
            "v": 1,
            "shard": shard,
            "index": log_index,
            "kind": "rulebook",
            "at": [stamp(received_at)],
            "rulebook": rulebook.hex(),
            "change": sha256(change).hexdigest(),
        }
    )


@dataclass(frozen=True)
class Leaf:
    """A leaf read back, for answers and for verification."""

    data: bytes
    beside: bytes | None = None

    @cached_property
    def document(self) -> dict[str, Any]:
        """The parsed leaf and what lies beside it; raises `ValueError` where the bytes are not JSON."""
        document: dict[str, Any] = orjson.loads(self.data)
        return document if self.beside is None else {**document, **orjson.loads(self.beside)}

    @property
    def index(self) -> int:
        """Its place in the log."""
        return int(self.document["index"])

    @property
    def kind(self) -> str:
        """What sort of event it is."""
        return str(self.document["kind"])

    @property
    def rulebook(self) -> bytes:
        """Digest of the rulebook that decided."""
        return bytes.fromhex(self.document["rulebook"])

    @property
    def received_at(self) -> datetime:
        """When the writer took it."""
        return datetime.fromisoformat(self.document["at"][0])

    @property
    def occurred_at(self) -> datetime:
        """When it happened at the till; of what has no till: when it was received."""
        return datetime.fromisoformat(self.document["at"][-1])

    @property
    def key(self) -> NaturalKey:
        """The till's name for it."""
        store, till, day, sequence = self.document["till"]
        return NaturalKey(store, till, date.fromisoformat(day), sequence)

    @property
    def member(self) -> str | None:
        """The member's ref."""
        return self.document.get("member")

    @property
    def opened(self) -> list[Opened]:
        """Accounts first used here."""
        return [Opened(n, Account(*name)) for n, *name in self.document.get("opens", ())]

    @property
    def postings(self) -> list[Posting]:
        """Entries by account number."""
        return [Posting(*entry) for entry in self.document.get("entries", ())]

    @property
    def spent(self) -> list[Spent]:
        """What was taken from which lot; `remaining` of the lot is not in the leaf and 0 here."""
        return [
            Spent(Lot(date.fromisoformat(day) if day else NEVER, index, leg, 0), points)
            for index, leg, points, day in self.document.get("spent", ())
        ]

    @property
    def issue_days(self) -> dict[int, tuple[date, date | None]]:
        """Of points that expire or wait: (last day, available from) by entry."""
        return {
            leg: (
                date.fromisoformat(last) if last else NEVER,
                date.fromisoformat(start) if start else None,
            )
            for leg, last, start in self.document.get("lots", ())
        }

    @property
    def used(self) -> list[tuple[str, int]]:
        """Limits consumed: (counter, by how much)."""
        return [(counter, amount) for counter, amount in self.document.get("used", ())]


class Recorded(NamedTuple):
    """A sale as the log holds it: all that an answer or a repeat needs."""

    shard: int
    log_index: int
    rulebook: bytes
    request_digest: str
    salt: bytes
    event: Checkout
    seen: Seen
    outcome: Outcome

    @classmethod
    def parse(
        cls, leaf: bytes, beside: bytes | None, salt: bytes, facts: bytes, basket: bytes
    ) -> "Recorded":
        """Read back what the tables hold."""
        read = Leaf(leaf, beside)
        document = read.document
        event = parse_basket(read.key, read.occurred_at, basket, offline=is_offline(facts))
        return cls(
            shard=document["shard"],
            log_index=read.index,
            rulebook=read.rulebook,
            request_digest=document["request"],
            salt=salt,
            event=event,
            seen=Seen.parse(facts, len(event.lines)),
            outcome=Outcome.from_leaf(document["outcome"], len(event.lines)),
        )

    @property
    def id(self) -> str:
        """The checkout's public name."""
        return checkout_id(self.shard, self.log_index, self.request_digest)

    def equals(self, event: Checkout) -> bool:
        """Whether `event` is this very event, card included."""
        return self._matches(event.identity)

    def is_same_sale(self, event: Checkout) -> bool:
        """Whether it has the same lines, total and card, whatever its natural key."""
        mine = self.event
        if (mine.lines, mine.total, mine.currency) != (event.lines, event.total, event.currency):
            return False
        return self._matches(identity(mine.key, mine.occurred_at, mine.basket, event.card))

    def _matches(self, request: bytes) -> bool:
        digest = sha256(self.salt + b"request\n" + request).hexdigest()
        return digest == self.request_digest


def checkout_id(shard: int, log_index: int, request_digest: str) -> str:
    """A sale's public name: 4 + 12 hexadecimal digits of its place, 8 of its digest that cannot be guessed."""
    return f"{shard:04x}{log_index:012x}{request_digest[:8]}"


def parse_checkout_id(text: str) -> tuple[int, int] | None:
    """(shard, log index) that an id names; None if it cannot be one."""
    if len(text) != 24 or any(c not in "0123456789abcdef" for c in text):
        return None
    shard = int(text[:4], 16)
    return (shard, int(text[4:16], 16)) if shard <= MAX_SHARD else None
