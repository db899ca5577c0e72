"""A range of the log sifted: its receipts counted, those that a draft may touch decided again.

What no limit concerns is added up at once. What one may concern becomes a step: it is decided on what is known to be
used by then, and taken, or decided once more, when it is known what all receipts before it have used (`settle`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lepta.processing.beside import unpacked
from lepta.processing.leaf import Leaf
from lepta.rules.engine import Outcome
from lepta.rules.limits import Asked
from lepta.simulation.judge import Case, Counts, Judge, decide
from lepta.simulation.plan import Plan
from lepta.simulation.reach import place
from lepta.simulation.receipt import read
from lepta.simulation.tally import Tally
from lepta.values import value

Used = Mapping[str, int]
"""By counter."""


@value
class Step:
    """A receipt that limits have to do with."""

    case: Case
    outcome: Outcome | None
    """None: it has to wait for its turn."""
    rooms: Sequence[int]
    """What was left under each gauge that was asked when it was decided."""

    def holds(self, counts: Counts) -> bool:
        """Whether it comes out the same on these counts.

        All that an evaluation has of counts is what they leave under its gauges: as much as then, or enough for
        all that is wanted, then as now.
        """
        if self.outcome is None:
            return False
        same = fits = True
        for (gauge, amount), room in zip(self.outcome.asked, self.rooms, strict=True):
            now = gauge.room(counts)
            same = same and now == room
            fits = fits and amount <= room and amount <= now
        return same or fits


Passed = list[tuple[str, int]]
"""Of an event that is not decided again: what it used of the rivals' limits as it was booked, or gave back of them."""


@dataclass(slots=True)
class Settled:
    """What receipts come to whose turn has come."""

    tally: Tally
    counts: dict[str, int] = field(default_factory=dict)
    full: dict[str, str] = field(default_factory=dict)
    """By counter of the drafts' limits: the day of the first receipt that used it up, or wanted more than was left."""

    def note_full(self, outcome: Outcome, limits: Collection[str], day: str) -> None:
        """Before what the outcome uses is counted."""
        for gauge, amount in outcome.asked:
            counter, before = gauge.counter, self.counts.get(gauge.counter, 0)
            if counter in limits and before + amount >= gauge.cap:
                used = next((n for name, n in outcome.consumed if name == counter), 0)
                if before + amount > gauge.cap or before + used >= gauge.cap:
                    self.full.setdefault(counter, day)

    def take(self, used: Used, full: Mapping[str, str], limits: Collection[str]) -> None:
        """Take in what the next range, settled elsewhere, used, and which limits are used up after it."""
        _add(self.counts, [(counter, n) for counter, n in used.items() if counter in limits])
        self.full.update(
            (counter, day) for counter, day in full.items() if counter not in self.full
        )


@value
class Trial:
    """Sifts ranges of the log in their order, and settles each when those before it are settled, here or elsewhere."""

    judge: Judge
    settled: Settled

    @classmethod
    def of(cls, plan: Plan) -> "Trial":
        """Before the first range."""
        return cls(Judge.of(plan), Settled(Tally.of(plan)))

    @property
    def plan(self) -> Plan:
        """By which it goes."""
        return self.judge.plan

    def sift(self, rows: Iterable[Any]) -> list[Step | Passed]:
        """Rows of (leaf, beside) in log order; returns what has to be settled."""
        steps: list[Step | Passed] = []
        plan, looked_at = self.plan, self.settled.tally.looked_at
        first, last = plan.span.first.isoformat(), plan.span.last.isoformat()
        holds = plan.reach.holds
        for leaf, beside in rows:
            placed = place(leaf)
            if placed is None or not first <= placed[1] <= last:
                if plan.follows and beside and (passed := self._passed(leaf, beside)):
                    steps.append(passed)
                continue
            store, day = placed
            looked_at[day] += 1
            content = unpacked(beside)
            if holds(store, content):
                case = self.judge.lay_out(read(leaf, content, plan.closing))
                if step := self._step(case):
                    steps.append(step)
        return steps

    def _passed(self, leaf: bytes, beside: bytes) -> Passed:
        content = unpacked(beside)
        if b'"used":' not in leaf and b'"used":' not in content:
            return []
        return self.judge.used(Leaf(leaf, content).document)

    def _step(self, case: Case) -> Step | None:
        """None: no limit has to do with it, and it is added up."""
        if case.waits:
            return Step(case, None, ())
        counts = self.settled.counts
        outcome = decide(case, counts)
        if outcome.asked or outcome.consumed:
            return Step(case, outcome, _rooms(outcome.asked, counts))
        self.settled.tally.add(case, outcome)
        return None

    def learn(self, used: Used) -> None:
        """Count what was settled elsewhere."""
        _add(self.settled.counts, used.items())

    def settle(self, steps: Iterable[Step | Passed]) -> Used:
        """Settle a range, those before it being settled and learned; returns what it used."""
        used: dict[str, int] = {}
        for step in steps:
            consumed = self._take(step) if isinstance(step, Step) else step
            _add(used, consumed)
            _add(self.settled.counts, consumed)
        return used

    def _take(self, step: Step) -> Sequence[tuple[str, int]]:
        counts, case, outcome = self.settled.counts, step.case, step.outcome
        if outcome is None or not step.holds(counts):
            outcome = decide(case, counts)
        self.settled.note_full(outcome, self.plan.limits, case.day)
        self.settled.tally.add(case, outcome)
        return outcome.consumed


def _add(counts: dict[str, int], used: Iterable[tuple[str, int]]) -> None:
    for counter, amount in used:
        counts[counter] = counts.get(counter, 0) + amount


def _rooms(asked: Sequence[Asked], counts: Counts) -> list[int]:
    return [gauge.room(counts) for gauge, _ in asked]
