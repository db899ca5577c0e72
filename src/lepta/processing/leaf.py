"""A leaf: the canonical JSON bytes of one event, exactly as hashed into the log. Never re-serialised to hash.

`v` version · `shard`, `index` place in the log · `kind` · `till` [store, till, business day, sequence] · `at`
[received (milliseconds since 1970), occurred (seconds since 1970), its offset (minutes), microseconds if any] ·
`rulebook` number of the deciding one: publications are counted from 1 · `quote` second since 1970 up to which the
quote was valid that named it, where a quote did · `beside` digest of what lies beside the log
(see `beside`) · `member` account that the sale's member is known by · `opens` [[number, kind, ref, code, asset]]
accounts first used here · `entries` [[debit, credit, amount, code]] by account number · `lots` [[last day, available
from, entries …]] of points that expire or wait · `spent` [[log index, entry, points, last day, issuer]] · `used`
[[counter, units]] of limits · `void` place of the void that came before the sale · `hold` place of the hold that the
sale names; if that was open, its points come back in the first entry, into lots as `moves` tells (see `motion`). What is empty is left out.
"""

from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from lepta.ledger.book import Issue, Opened
from lepta.ledger.chart import Account
from lepta.ledger.entries import Posting
from lepta.ledger.lots import NEVER, Lot, Spent
from lepta.processing.beside import Beside, named, request_digest
from lepta.processing.canonical import canonical
from lepta.processing.events import Checkout, NaturalKey, identity, parse_basket
from lepta.processing.outcome import Outcome
from lepta.processing.seen import Seen

LEAF_LIMIT = 65_535
MAX_SHARD = 2**15 - 1
MOVABLE = ("opens", "entries", "lots", "spent", "moves", "used")
"""What lies beside the log when the whole is too long for a leaf."""
KINDS = {
    "rulebook": 1, "checkout": 2, "void": 3, "return": 4, "lots": 5, "hold": 6, "release": 7, "gift": 8,
    "adjustment": 9, "merge": 10, "claim": 11, "transfer": 12,
}  # fmt: skip
"""Numbers of table `event`: never change one, never use one again."""
KIND_NAMES = {number: name for name, number in KINDS.items()}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@lru_cache(maxsize=64)
def milliseconds(moment: datetime) -> int:
    """Since 1970. All sales of a batch are received at one moment."""
    return (moment - _EPOCH) // _MILLISECOND


def moment_of(since_ms: int) -> datetime:
    """What `milliseconds` was told."""
    return _EPOCH + timedelta(milliseconds=since_ms)


def at_till(moment: datetime) -> list[int]:
    """Seconds since 1970 and the offset in minutes; microseconds only where there are any."""
    since = moment - _EPOCH
    offset = moment.utcoffset()
    assert offset is not None, moment
    array = [since.days * 86_400 + since.seconds, offset.days * 1_440 + offset.seconds // 60]
    if since.microseconds:
        array.append(since.microseconds)
    return array


def parse_at_till(seconds: int, offset: int, micros: int = 0) -> datetime:
    """What `at_till` wrote."""
    moment = _EPOCH + timedelta(seconds=seconds, microseconds=micros)
    return moment.astimezone(timezone(timedelta(minutes=offset)))


class Booked(NamedTuple):
    """What an event did to the ledger, by account numbers; `member` is the account its member is known by.

    A sale takes from lots what it spends; any other event moves points in and out of lots, and names every lot that
    it makes.
    """

    opened: Sequence[Opened]
    postings: Sequence[Posting]
    issues: Sequence[Issue]
    spent: Sequence[Spent]
    used: Sequence[tuple[str, int]]
    member: int | None = None
    moves: Sequence[tuple[int, Lot, int]] | None = None
    """(account, lot, points); None for a sale."""
    hold: int | None = None
    """Place of the hold that a sale names."""
    released: Sequence[tuple[int, Lot, int]] = ()
    """What a sale's hold gives back, before the sale spends: (account, lot, points)."""

    @property
    def resolutions(self) -> list[int]:
        """The hold that a sale ends."""
        return [self.hold] if self.hold is not None and self.released else []

    def write(self, document: dict[str, Any]) -> None:
        """Put it into a leaf's document; what is empty is left out."""
        if self.opened:
            document["opens"] = [(number, *account) for number, account in self.opened]
        if self.postings:
            document["entries"] = list(map(tuple, self.postings))
        if self.issues:
            lots = _lots(self.issues, whole=self.moves is not None)
            if lots:
                document["lots"] = lots
        if self.spent:
            document["spent"] = [
                (lot.log_index, lot.leg, points, _day(lot.expires_on), lot.issuer)
                for lot, points in self.spent
            ]
        if self.moves or self.released:
            document["moves"] = [
                (
                    account,
                    lot.log_index,
                    lot.leg,
                    points,
                    _day(lot.expires_on),
                    lot.available_on,
                    lot.issuer,
                )
                for account, lot, points in self.moves or self.released
            ]
        if self.hold is not None:
            document["hold"] = self.hold
        if self.used:
            document["used"] = self.used
        if self.member is not None:
            document["member"] = self.member


def _lots(issues: Sequence[Issue], *, whole: bool) -> list[list[Any]]:
    """Entries by the days of the lots that they made; unless `whole`, without those that neither wait nor end."""
    by_days: dict[tuple[date, date | None], list[Any]] = {}
    for issue in issues:
        last, start = issue.expires_on, issue.available_on
        if whole or last != NEVER or start:
            leg = issue.leg if issue.issuer is None else [issue.leg, issue.issuer]
            by_days.setdefault((last, start), [_day(last), start]).append(leg)
    return list(by_days.values())


def _day(day: date) -> date | None:
    return None if day == NEVER else day


def last_day(text: str | None) -> date:
    """Of points, as leaves write it."""
    return NEVER if text is None else date.fromisoformat(text)


class Written(NamedTuple):
    """A leaf's bytes, and what lies beside it; a publication has nothing there."""

    leaf: bytes
    beside: bytes
    digest: str
    """Of what lies beside it, as the leaf has it."""


Packer = Callable[[bytes], bytes]
"""Makes the value to store of a content: see `beside.pack`."""


def checkout_leaf(
    *,
    shard: int,
    log_index: int,
    event: Checkout,
    received_at: datetime,
    rulebook: int,
    facts: bytes,
    outcome: Outcome,
    booked: Booked,
    packed: Packer,
    void: int | None = None,
    quoted_until_s: int | None = None,
) -> Written:
    """The leaf of a sale and what lies beside it. What is too long for a leaf goes there, too."""
    document: dict[str, Any] = {
        "v": 1,
        "shard": shard,
        "index": log_index,
        "kind": "checkout",
        "till": tuple(event.key),
        "at": [milliseconds(received_at), *at_till(event.occurred_at)],
        "rulebook": rulebook,
    }
    if void is not None:
        document["void"] = void
    if quoted_until_s is not None:
        document["quote"] = quoted_until_s
    booked.write(document)
    content = b'{"basket":%b,"facts":%b,"outcome":%b}' % (
        event.basket, facts, canonical(outcome.to_document(event)),
    )  # fmt: skip
    written = leaf_of(document, packed(content))
    if len(written.leaf) <= LEAF_LIMIT:
        return written
    moved = {name: document.pop(name) for name in MOVABLE if name in document}
    longer = canonical({**orjson.loads(content), **orjson.loads(canonical(moved))})
    written = leaf_of(document, packed(longer))
    assert len(written.leaf) <= LEAF_LIMIT, len(written.leaf)
    return written


def leaf_of(document: dict[str, Any], beside: bytes) -> Written:
    """A leaf that names what lies beside it."""
    digest = document["beside"] = named(sha256(beside).digest())
    return Written(canonical(document), beside, digest)


def rulebook_leaf(
    *,
    shard: int,
    log_index: int,
    received_at: datetime,
    rulebook: int,
    digest: bytes,
    change: bytes,
) -> Written:
    """The leaf of a publication: the new rulebook's number and digest, and that of the change that made it."""
    document = {
        "v": 1,
        "shard": shard,
        "index": log_index,
        "kind": "rulebook",
        "at": [milliseconds(received_at)],
        "rulebook": rulebook,
        "digest": digest.hex(),
        "change": sha256(change).hexdigest(),
    }
    return Written(canonical(document), b"", "")


@dataclass(frozen=True)
class Leaf:
    """A leaf read back, for answers and for verification."""

    data: bytes
    content: bytes | None = None
    """Of what lies beside it."""

    @cached_property
    def document(self) -> dict[str, Any]:
        """The parsed leaf and what lies beside it; raises `ValueError` where the bytes are not JSON."""
        document: dict[str, Any] = orjson.loads(self.data)
        return document if self.content is None else {**document, **orjson.loads(self.content)}

    @property
    def index(self) -> int:
        """Its place in the log."""
        return int(self.document["index"])

    @property
    def kind(self) -> str:
        """What sort of event it is."""
        return str(self.document["kind"])

    @property
    def rulebook(self) -> int:
        """Number of the rulebook that decided."""
        return int(self.document["rulebook"])

    @property
    def quoted_until_s(self) -> int | None:
        """Up to which second the quote was valid that named the rulebook; None: the newest decided."""
        until_s = self.document.get("quote")
        return None if until_s is None else int(until_s)

    @property
    def received_at(self) -> datetime:
        """When the writer took it."""
        return moment_of(self.document["at"][0])

    @property
    def occurred_at(self) -> datetime:
        """When it happened at the till."""
        return parse_at_till(*self.document["at"][1:])

    @property
    def key(self) -> NaturalKey:
        """The till's name for it."""
        return NaturalKey.of(self.document["till"])

    @property
    def opened(self) -> list[Opened]:
        """Accounts first used here."""
        return [Opened(n, Account(*name)) for n, *name in self.document.get("opens", ())]

    @property
    def postings(self) -> list[Posting]:
        """Entries by account number."""
        return [Posting(*entry) for entry in self.document.get("entries", ())]

    @cached_property
    def seen(self) -> Seen:
        """Its facts."""
        return Seen.of(self.document["facts"], len(self.document["basket"]["lines"]))

    @cached_property
    def event(self) -> Checkout:
        """The sale; its card is nowhere stored."""
        basket = self.document["basket"]
        return parse_basket(self.key, self.occurred_at, basket, offline=self.seen.offline)


class Recorded(NamedTuple):
    """A sale as the log holds it: all that an answer or a repeat needs."""

    shard: int
    log_index: int
    rulebook: int
    """Number of the deciding one."""
    digest: str
    """Of what lies beside its leaf, as the leaf has it."""
    salt: bytes
    request: bytes
    """See `request_digest`."""
    event: Checkout
    seen: Seen
    outcome: Outcome
    void: int | None = None
    """Place of the void that came before it: the sale never was."""

    @classmethod
    def parse(cls, leaf: bytes, beside: bytes) -> "Recorded":
        """Read back what table `event` holds."""
        lying = Beside(beside)
        return cls.of(Leaf(leaf, lying.content), lying)

    @classmethod
    def of(cls, read: Leaf, lying: Beside) -> "Recorded":
        """The same of a leaf that is read."""
        event, seen = read.event, read.seen
        entries = read.document.get("entries", ())
        outcome = Outcome.of(read.document["outcome"], event, seen, entries)
        return cls(
            read.document["shard"], read.index, read.rulebook, read.document["beside"],
            lying.salt, lying.request, event, seen, outcome, read.document.get("void"),
        )  # fmt: skip

    @property
    def id(self) -> str:
        """The checkout's public name."""
        return checkout_id(self.shard, self.log_index, self.digest)

    def equals(self, event: Checkout) -> bool:
        """Whether `event` is this very event, card included."""
        return request_digest(self.salt, event.identity) == self.request

    def is_same_sale(self, event: Checkout) -> bool:
        """Whether it has the same lines, total and card, whatever its natural key."""
        mine = self.event
        if (mine.lines, mine.total, mine.currency) != (event.lines, event.total, event.currency):
            return False
        named_alike = identity(mine.key, mine.occurred_at, mine.basket, event.card)
        return request_digest(self.salt, named_alike) == self.request


def checkout_id(shard: int, log_index: int, digest: str) -> str:
    """A sale's public name: 4 + 12 hexadecimal digits of its place, and 8 of its digest that cannot be guessed."""
    return f"{shard:04x}{log_index:012x}{urlsafe_b64decode(digest[:8]).hex()[:8]}"


def parse_checkout_id(text: str) -> tuple[int, int] | None:
    """(shard, log index) that an id names; None if it cannot be one."""
    if len(text) != 24 or any(c not in "0123456789abcdef" for c in text):
        return None
    shard = int(text[:4], 16)
    return (shard, int(text[4:16], 16)) if shard <= MAX_SHARD else None
