"""What a range of the log adds up to, so that ranges can be read in any process and folded in order."""

from dataclasses import dataclass, field
from typing import NamedTuple

from lepta.ledger.chart import Account
from lepta.verification.report import Faults
from lepta.verification.sequences import TillDay

NO_END = 0x7FFFFFFF
"""The day of points that never expire, as PostgreSQL numbers 'infinity'; others count from 2000-01-01."""


class Opening(NamedTuple):
    """An account's first use."""

    log_index: int
    number: int
    account: Account


Place = tuple[int, int, int, int]
"""Of a lot among those of its account, in the order of spending: last day, log index, entry, and who issued it."""

LotMove = tuple[int, Place, int, int | None]
"""Account, place, points, and a day or an event.

Points above 0 came into the lot, on hold until that day unless it is None; below 0 they were taken from it
by that event, which is `freely` so if it may pass over lots that end earlier. Plain tuples, since most events make one.
"""


def freely(log_index: int) -> int:
    """An event that takes points from lots in an order of its own, as a number below 0."""
    return -1 - log_index


def taker(marked: int) -> int:
    """The event that `freely` marked."""
    return -1 - marked


class Publication(NamedTuple):
    """A change of the rulebook; its digest and the new rulebook's in hexadecimal."""

    log_index: int
    rulebook: int
    digest: str
    change: str


class Hold(NamedTuple):
    """Points set aside: its place, the account that the member is known by, and until when, milliseconds since 1970."""

    log_index: int
    account: int
    points: int
    expires_at: int


class Clearing(NamedTuple):
    """An entry between parties, by account numbers."""

    debit: int
    credit: int
    amount: int


class Redeemed(NamedTuple):
    """A sale that points paid a part of."""

    log_index: int
    retailer: str
    currency: str
    shares: dict[int, int]
    """Money by the account that issued the points."""
    booked: list[Clearing]


class Merger(NamedTuple):
    """A member who goes on as another one: the refs of both, and their accounts in a programme, if they have any."""

    log_index: int
    ref: str
    into: str
    account: int | None
    into_account: int | None


@dataclass(slots=True)
class Part:
    """Sums and lists of the events `start` up to, but not including, `stop`."""

    start: int
    stop: int
    events: int = 0
    hashes: list[bytes] = field(default_factory=list)
    """Of the leaves as they are, whatever the tables say of them."""
    opened: list[Opening] = field(default_factory=list)
    moved: dict[int, list[int]] = field(default_factory=dict)
    """By account: debits, credits, the lowest that credits - debits got, asset, first event."""
    lots: list[LotMove] = field(default_factory=list)
    days: dict[int, int] = field(default_factory=dict)
    """By event: the business day of a sale that spends."""
    dues: dict[int, int] = field(default_factory=dict)
    """By event: the day that days of lots tell of."""
    used: list[dict[str, int]] = field(default_factory=lambda: [{}])
    """By counter; a further dict after each publication."""
    publications: list[Publication] = field(default_factory=list)
    named: list[tuple[int, int]] = field(default_factory=list)
    """(log index, rulebook) wherever another one is named than by the event before."""
    quoted: list[tuple[int, int]] = field(default_factory=list)
    """(log index, rulebook) of sales that were decided by a quote."""
    members: dict[int, tuple[int, str, str]] = field(default_factory=dict)
    """By number in column `member`: first event, ref, programme."""
    given: dict[tuple[int | None, str, str], list[int]] = field(default_factory=dict)
    """By member, campaign and fund: donations, points, money."""
    suspicions: list[tuple[int, int, str, int]] = field(default_factory=list)
    """(log index, kinds, store, business day) of sales that the office is to look into."""
    reversals: list[tuple[int, int]] = field(default_factory=list)
    """(sale, what took some of it back)."""
    seconds: list[tuple[int, str, str]] = field(default_factory=list)
    """(log index, ref, programme) of members whom events concern besides the one in column `member`."""
    redeemed: list[Redeemed] = field(default_factory=list)
    """Sales that points paid a part of."""
    cleared: dict[int, list[Clearing]] = field(default_factory=dict)
    """By reversal: what it books between parties."""
    claimed: list[tuple[int, int]] = field(default_factory=list)
    """(sale, its claim by a member)."""
    mergers: list[Merger] = field(default_factory=list)
    was: set[str] = field(default_factory=set)
    """Refs of members whom others became that events concern."""
    holds: list[Hold] = field(default_factory=list)
    """Those that were made."""
    resolutions: list[tuple[int, int, int]] = field(default_factory=list)
    """(hold, what ended it, points that came back)."""
    tills: dict[tuple[str, str, str], TillDay] = field(default_factory=dict)
    """By store, till and business day."""
    claims: int = 0
    claims_print: int = 0
    """How many natural and fiscal keys the events hold, and the sum of their fingerprints."""
    faults: Faults = field(default_factory=Faults)
