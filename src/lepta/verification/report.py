"""Faults and the report of a verification."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from lepta.verification.invariants import Check

FAULTS_KEPT = 100


class Fault(NamedTuple):
    """Something in the database that history does not bear out: which check found it, where, and what it is."""

    check: Check
    place: str
    what: str

    def __str__(self) -> str:
        """One line: `event 4711: leaf does not match its hash`."""
        return f"{self.place}: {self.what}"


@dataclass(slots=True)
class Faults:
    """The first faults in the order in which they were found, and how many there are in all."""

    kept: list[Fault] = field(default_factory=list)
    count: int = 0

    def add(self, check: Check, place: str, what: str) -> None:
        """Note a fault; beyond the first hundred they are only counted."""
        self.count += 1
        if len(self.kept) < FAULTS_KEPT:
            self.kept.append(Fault(check, place, what))

    def event(self, check: Check, log_index: int, what: str) -> None:
        """Note a fault of one event."""
        self.add(check, f"event {log_index}", what)

    def extend(self, other: "Faults") -> None:
        """Take in what another part has found."""
        self.count += other.count
        self.kept.extend(other.kept[: FAULTS_KEPT - len(self.kept)])


@dataclass(frozen=True, slots=True)
class Report:
    """What `verify` found. `notes` are no faults: what a person may want to look at all the same."""

    faults: tuple[Fault, ...]
    fault_count: int
    """All of them; `faults` has the first hundred."""
    notes: tuple[str, ...]
    events: int
    replayed: int
    seconds: float
    root: bytes
    checkpoint: bytes | None
    """The newest signed note in the database, as stored; None: nothing has been signed yet."""

    @property
    def clean(self) -> bool:
        """Whether everything that was checked holds."""
        return not self.fault_count

    def lines(self) -> Iterable[str]:
        """One line a fault, in the order in which they were found, and one for those not kept."""
        yield from map(str, self.faults)
        if self.fault_count > len(self.faults):
            yield f"and {self.fault_count - len(self.faults)} further faults"
