"""The ledger's invariants by number, and which check of this package holds each of them.

An invariant without a check here is held elsewhere or belongs to what is not built yet: `where` says so.
"""

from enum import StrEnum
from typing import NamedTuple


class Check(StrEnum):
    """What is checked; each fault names its check."""

    LEAVES = "leaves"
    """Each leaf is what was hashed, canonical JSON, and stands at the index it names."""
    GAPS = "gaps"
    """Log indexes run from 0 without a gap, and nothing stands outside of the log."""
    ROOT = "root"
    """Root, frontier and tiles are those of the leaves."""
    CHECKPOINTS = "checkpoints"
    """Each checkpoint is signed by the log's key and names the root that the leaves had at its size."""
    ROWS = "rows"
    """Event, entry, account, asset and allocation rows say what the leaves say, no more and no less."""
    DIGESTS = "digests"
    """Facts, basket and lists beside the log are those whose digests the leaf holds, in canonical form."""
    CLAIMS = "claims"
    """Each event holds its natural and its fiscal key, nobody else does, and headers match their digests."""
    RULEBOOKS = "rulebooks"
    """The chain of changes is the one that was published, and each leaf names the newest of its time."""
    ENTRIES = "entries"
    """An entry has two accounts of one asset, a positive integer and a known code."""
    SHARES = "shares"
    """Shares add up to their amount, and entries to what the outcome says."""
    BALANCES = "balances"
    """Each materialised balance is the fold of its entries."""
    LIMITS = "limits"
    """A limited account is never negative after any event."""
    LOTS = "lots"
    """Open lots are what was issued less what was taken, and add up to their account's balance."""
    SPENDING = "spending"
    """Points are taken from the lot that ends first, then from the oldest."""
    DAYS = "days"
    """No lot is spent before its first day or after its last, and none ends or matures before its day has begun."""
    HOLDS = "holds"
    """A hold ends once, with all of its points, and open holds are what is set aside."""
    MERGERS = "mergers"
    """A member is merged once, into one who is not, and has nothing left."""
    BUDGETS = "budgets"
    """What was used of each limit is the fold of the events, and never more than was granted."""
    REVERSALS = "reversals"
    """All voids and returns of a sale together take back no more than it gave: goods, points, shares."""
    CLEARING = "clearing"
    """Who issued points that another retailer honoured owes it their money, as the lots say, until they come back."""
    STANDINGS = "standings"
    """What each member gave, and where each campaign stands, is the fold of the donations."""
    SHIFTS = "shifts"
    """A closed shift is what was told and answered then, under its own name."""
    REPLAY = "replay"
    """Deciding again gives the same bytes."""


class Invariant(NamedTuple):
    """A promise of the ledger, the checks that hold it, and where it is held besides or instead."""

    number: int
    says: str
    checks: tuple[Check, ...] = ()
    where: str = ""


LATER = "later"
SUITE = "test suite"

INVARIANTS = (
    Invariant(1, "Per asset, debits = credits.", (Check.ENTRIES, Check.BALANCES)),
    Invariant(
        2,
        "Every materialised balance is the fold of its entries.",
        (Check.BALANCES, Check.MERGERS),
    ),
    Invariant(3, "A limited account is never negative at any log prefix.", (Check.LIMITS,)),
    Invariant(4, "No entry mixes assets; amounts are positive integers.", (Check.ENTRIES,)),
    Invariant(5, "Shares sum exactly to the amount.", (Check.SHARES, Check.REPLAY)),
    Invariant(6, "A budget is never exceeded at any prefix.", (Check.BUDGETS,)),
    Invariant(
        7,
        "Clearing nets to zero: what one party owes for points another is owed.",
        (Check.CLEARING, Check.ENTRIES),
    ),
    Invariant(8, "One key, at most one outcome.", (Check.CLAIMS,), SUITE),
    Invariant(9, "Same key, other body: refused without effect.", where=SUITE),
    Invariant(10, "A stored refusal stays one.", (Check.CLAIMS,), SUITE),
    Invariant(11, "A retry after a rule change gets the old outcome.", where=SUITE),
    Invariant(12, "Answered: present; unanswered: absent, or once.", where=SUITE),
    Invariant(13, "A hold resolves at most once.", (Check.HOLDS,)),
    Invariant(14, "Returns never exceed the sale.", (Check.REVERSALS, Check.REPLAY), SUITE),
    Invariant(15, "Debt after a return follows the programme.", (Check.SHARES, Check.REPLAY)),
    Invariant(16, "Remaining lots = points balance; no lot below 0.", (Check.LOTS,)),
    Invariant(
        17,
        "Spending takes the earliest expiry first; undoing restores the same lots.",
        (Check.SPENDING, Check.LOTS, Check.REPLAY),
    ),
    Invariant(18, "A lot expires exactly once, never early.", (Check.DAYS, Check.LOTS)),
    Invariant(
        19,
        "A donation is only taken back by an equal reversal.",
        (Check.SHARES, Check.STANDINGS, Check.REVERSALS),
    ),
    Invariant(
        20, "Log indexes have no gap; a till's gaps are reported.", (Check.GAPS, Check.SHIFTS)
    ),
    Invariant(21, "Leaves and rows agree; the root is the leaves'.", (Check.ROWS, Check.ROOT)),
    Invariant(22, "Later checkpoints extend earlier ones.", (Check.CHECKPOINTS,)),
    Invariant(23, "No signature on an uncommitted head.", (Check.CHECKPOINTS,), SUITE),
    Invariant(
        24,
        "Any changed byte in history is found and its place named.",
        (Check.LEAVES, Check.ROWS, Check.DIGESTS, Check.CLAIMS, Check.RULEBOOKS, Check.ROOT),
    ),
    Invariant(25, "The service's role cannot change history.", where=SUITE),
    Invariant(26, "Replaying all leaves gives the same bytes.", (Check.REPLAY,)),
    Invariant(27, "Batching is invisible.", (Check.REPLAY,), SUITE),
    Invariant(28, "A statement's opening + sum = closing.", where=LATER),
    Invariant(29, "A closed period never changes.", where=LATER),
    Invariant(30, "Sub-accounts over shards add up.", where=LATER),
)
