"""How the log holds an event that is neither a sale nor a publication.

Its leaf has the fields of a sale's (see `leaf`) that it needs, and three of its own: `about` places in the log of what
it undoes or answers to · `moves` [[account, log index, entry, points, last day, first day, issuer]] points taken out of
lots, or, below 0, put into them · `lots` [[last day, first day, entries …]] names every lot that it makes: of one whose
points its entry does not issue, as they come back, [entry, issuer]. An issuer is an account. Beside the leaf lie `request` what was asked, without the card · `facts` what deciding saw of today's records, `programme` and, where
money moves, `currency` among them · `outcome` · `given` [[campaign, fund, donations, points, money]] what it adds to
standings, below 0 where it takes back.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import orjson

from lepta.ledger.book import Issue
from lepta.ledger.chart import Account
from lepta.ledger.entries import Entry
from lepta.ledger.lots import Move
from lepta.processing.beside import Beside, request_digest
from lepta.processing.canonical import canonical
from lepta.processing.events import NaturalKey
from lepta.processing.leaf import (
    LEAF_LIMIT,
    MOVABLE,
    Booked,
    Leaf,
    Packer,
    Recorded,
    Written,
    at_till,
    checkout_id,
    leaf_of,
    milliseconds,
)
from lepta.processing.owners import Merge
from lepta.values import value

Json = dict[str, Any]


class Given(NamedTuple):
    """What an event adds to a campaign's standing with a fund; below 0 what it takes back."""

    campaign: str
    fund: str
    donations: int
    points: int
    money_minor: int

    @property
    def taken_back(self) -> "Given":
        """The same, taken away."""
        campaign, fund, *sums = self
        return Given(campaign, fund, *[-amount for amount in sums])


@value
class Motion:
    """What an act comes to, before it is booked."""

    kind: str
    key: NaturalKey | None
    occurred_at: datetime
    about: tuple[int, ...]
    """Places in the log."""
    member: Account | None
    """Where the shopper's points lie: the account that the event is found by."""
    request: Mapping[str, Any]
    facts: Mapping[str, Any]
    outcome: Mapping[str, Any]
    entries: Sequence[Entry] = ()
    issues: Sequence[Issue] = ()
    moves: Sequence[Move] = ()
    used: Sequence[tuple[str, int]] = ()
    given: Sequence[Given] = ()
    balance_on: date | None = None
    """Its outcome tells the member's balance on this day."""
    instead_of: NaturalKey | None = None
    """A sale that is not recorded yet, whose name it takes."""
    aside: str = ""
    """Words about it that may name a person: they are kept outside of the log, as long as the person is."""
    second: Account | None = None
    """Where the points of another member lie whom it concerns: their history tells of it, too."""
    has_bought: bool = False
    """Whether its member is none before a first sale: not to be welcomed any more."""
    merger: Merge | None = None
    """Who goes on as whom from now on. What is given by it, is the other one's no longer."""


class Movement(NamedTuple):
    """An act as the log holds it: all that an answer or a repeat needs."""

    shard: int
    log_index: int
    kind: str
    rulebook: int
    digest: str
    salt: bytes
    request_digest: bytes
    about: tuple[int, ...]
    request: Json
    facts: Json
    outcome: Json

    @property
    def id(self) -> str:
        """Its public name."""
        return checkout_id(self.shard, self.log_index, self.digest)

    def equals(self, identity: bytes) -> bool:
        """Whether an act with this identity is this very one."""
        return request_digest(self.salt, identity) == self.request_digest

    @classmethod
    def of(cls, leaf: Leaf, lying: Beside) -> "Movement":
        """Read back what table `event` holds."""
        document = leaf.document
        return cls(
            document["shard"], leaf.index, leaf.kind, leaf.rulebook, document["beside"], lying.salt, lying.request,
            tuple(document.get("about", ())), document["request"], document["facts"], document["outcome"],
        )  # fmt: skip


Entered = Recorded | Movement


def parse(leaf: bytes, beside: bytes) -> Entered:
    """A sale or an act, as table `event` holds it."""
    lying = Beside(beside)
    read = Leaf(leaf, lying.content)
    return Recorded.of(read, lying) if read.kind == "checkout" else Movement.of(read, lying)


def motion_leaf(
    motion: Motion,
    booked: Booked,
    packed: Packer,
    *,
    shard: int,
    log_index: int,
    received_at: datetime,
    rulebook: int,
) -> Written:
    """The leaf of an act and what lies beside it. What is too long for a leaf goes there, too."""
    document: Json = {
        "v": 1,
        "shard": shard,
        "index": log_index,
        "kind": motion.kind,
        "at": [milliseconds(received_at), *at_till(motion.occurred_at)],
        "rulebook": rulebook,
    }
    if motion.key is not None:
        document["till"] = tuple(motion.key)
    if motion.about:
        document["about"] = motion.about
    booked.write(document)
    content: Json = {"facts": motion.facts, "outcome": motion.outcome, "request": motion.request}
    if motion.given:
        content["given"] = list(map(tuple, motion.given))
    written = leaf_of(document, packed(canonical(content)))
    if len(written.leaf) <= LEAF_LIMIT:
        return written
    content |= {name: document.pop(name) for name in MOVABLE if name in document}
    return leaf_of(document, packed(canonical(orjson.loads(canonical(content)))))
