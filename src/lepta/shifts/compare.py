"""What a till says of a shift against what is recorded. Pure."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from lepta.errors import DomainError, Kind


class UnknownShift(DomainError):
    """No such shift has been closed.

    If its end was sent and the answer did not arrive, it is not recorded: send it again, unchanged.
    """

    code = "unknown-shift"
    kind = Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("No such shift has been closed. If it was sent, send it again, unchanged.")


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of a shift as its till tells it. Amounts in minor units of the store's currency."""

    store: str
    till: str
    business_day: date
    shift: int | str
    count: int
    """Sales that were not voided; returns are no sales."""
    total: int
    """Of those sales, each as its own `total` says."""
    returns_total: int
    first_sequence: int
    last_sequence: int
    """One below `first_sequence`: nothing was rung up."""

    @property
    def span(self) -> range:
        """Its sequences."""
        return range(self.first_sequence, self.last_sequence + 1)


class Counted(NamedTuple):
    """What is recorded of a till's day."""

    sales: dict[int, int]
    """`total` of each sale in the shift's span that no void has taken back, by sequence."""
    returns: dict[int, int]
    """`total` of each return there."""
    used: frozenset[int]
    """All sequences of the day under which something is recorded, voided sales and early voids included; see
    `numbered` for returns.
    """


def numbered(sales: AbstractSet[int], returns: AbstractSet[int]) -> frozenset[int]:
    """The sequences of a till's day that leave no gap among its sales: those of its returns, too, unless it counts these
    apart. A till that has given a sale and a return the same number does.
    """
    return frozenset(sales) if sales & returns else frozenset(sales | returns)


def compared(closing: Closing, counted: Counted, other_spans: Iterable[range]) -> dict[str, Any]:
    """`differences`, and the sequences behind them. `other_spans` are of the day's other closed shifts: what lies in
    one of these is not unexpected in this one.
    """
    span = closing.span
    missing = [number for number in span if number not in counted.used]
    known = [span, *other_spans]
    unexpected = sorted(n for n in counted.used if not any(n in each for each in known))
    pairs = (
        ("count", len(counted.sales), closing.count),
        ("total", sum(counted.sales.values()), closing.total),
        ("returns_total", sum(counted.returns.values()), closing.returns_total),
        ("missing", len(span) - len(missing), len(span)),
        ("unexpected", len(unexpected), 0),
    )
    return {
        "differences": [
            {"kind": kind, "ours": ours, "theirs": theirs}
            for kind, ours, theirs in pairs
            if ours != theirs
        ],
        "missing_sequences": missing,
        "unexpected_sequences": unexpected,
    }
