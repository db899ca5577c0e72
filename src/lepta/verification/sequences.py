"""Which sequences tills have used on a day, and which they left out."""

from collections.abc import Iterable
from dataclasses import dataclass, field

_FEW = 64


@dataclass(slots=True)
class Runs:
    """A set of numbers that mostly come one after the other."""

    runs: list[list[int]] = field(default_factory=list)
    """First and last of each; in any order, and not apart, until they are `merged`."""
    _merge_at: int = _FEW

    def add(self, number: int) -> None:
        """Take a number in."""
        if self.runs:
            run = self.runs[-1]
            if number == run[1] + 1:
                run[1] = number
                return
            if run[0] <= number <= run[1]:
                return
        self.take_in([[number, number]])

    def take_in(self, runs: Iterable[list[int]]) -> None:
        """Take in further runs, which stay with whoever had them."""
        self.runs += [list(run) for run in runs]
        if len(self.runs) > self._merge_at:
            self.merge()
            self._merge_at = max(_FEW, 2 * len(self.runs))

    def merge(self) -> None:
        """Put the runs in order, apart from each other."""
        merged: list[list[int]] = []
        for first, last in sorted(self.runs):
            if merged and first <= merged[-1][1] + 1:
                merged[-1][1] = max(merged[-1][1], last)
            else:
                merged.append([first, last])
        self.runs = merged

    def __len__(self) -> int:
        self.merge()
        return sum(last - first + 1 for first, last in self.runs)

    def within(self, low: int, high: int) -> int:
        """How many of them lie there, both ends included."""
        self.merge()
        return sum(max(0, min(last, high) - max(first, low) + 1) for first, last in self.runs)

    @property
    def ends(self) -> tuple[int, int]:
        """The lowest and the highest; there has to be one."""
        return min(first for first, _ in self.runs), max(last for _, last in self.runs)


@dataclass(slots=True)
class TillDay:
    """Sequences of one till and business day: those of sales, those of returns, and of sales that voids have named."""

    sales: Runs = field(default_factory=Runs)
    returns: Runs = field(default_factory=Runs)
    voided: Runs = field(default_factory=Runs)

    def add(self, other: "TillDay") -> None:
        """Take in what another part of the log has."""
        self.sales.take_in(other.sales.runs)
        self.returns.take_in(other.returns.runs)
        self.voided.take_in(other.voided.runs)

    def gap(self) -> tuple[int, int, int] | None:
        """(how many are missing, lowest, highest); None: none is.

        A till that gives returns numbers between those of its sales counts both together, and no number twice. Where
        it does, returns leave no gap; where it counts returns apart, they fill none. A sale whose void came first, and
        that has not come, is not missing among those that have.
        """
        if not self.sales.runs:
            return None
        low, high = self.sales.ends
        both = Runs()
        both.take_in(self.sales.runs)
        both.take_in(self.returns.runs)
        together = len(both) == len(self.sales) + len(self.returns)
        if together and self.returns.within(low, high):
            low, high = both.ends
        used = Runs()
        used.take_in(both.runs if together else self.sales.runs)
        used.take_in(self.voided.runs)
        missing = high - low + 1 - used.within(low, high)
        return (missing, low, high) if missing else None
