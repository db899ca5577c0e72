"""A range of the log sifted: its receipts counted, those that a draft may touch decided again.

What no limit concerns is added up here. What one may concern becomes a step: decided as if nothing had been used,
and taken or decided once more in log order, when it is known what had (`settle`).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lepta.processing.beside import Beside
from lepta.processing.leaf import Leaf
from lepta.simulation.judge import Judge, Judged
from lepta.simulation.plan import Plan
from lepta.simulation.reach import place
from lepta.simulation.tally import Tally
from lepta.values import value


@value
class Step:
    """One event that limits have to do with."""

    leaf: bytes
    content: bytes
    judged: Judged | None
    """None: not decided again."""
    used: tuple[tuple[str, int], ...]
    """Where it is not decided again: what it used of the rivals' limits as it was booked."""


@dataclass(slots=True)
class Sifted:
    """What a range comes to."""

    events: int = 0
    tally: Tally = field(default_factory=Tally)
    steps: list[Step] = field(default_factory=list)


@value
class Sieve:
    """Sifts ranges, each in log order."""

    plan: Plan
    judge: Judge

    @classmethod
    def of(cls, plan: Plan) -> "Sieve":
        """Before the first range."""
        return cls(plan, Judge.of(plan))

    def sift(self, rows: Iterable[Any]) -> Sifted:
        """Rows of (leaf, beside) in log order."""
        sifted = Sifted()
        plan, looked_at = self.plan, sifted.tally.looked_at
        first, last = plan.span.first.isoformat(), plan.span.last.isoformat()
        holds = plan.reach.holds
        for leaf, beside in rows:
            sifted.events += 1
            placed = place(leaf)
            if placed is None:
                continue
            store, day = placed
            if not first <= day <= last:
                if plan.follows:
                    self._follow(sifted, leaf, beside)
                continue
            looked_at[day] += 1
            content = Beside(beside).content
            if holds(store, content):
                self._judge(sifted, leaf, content)
        return sifted

    def _follow(self, sifted: Sifted, leaf: bytes, beside: bytes) -> None:
        content = Beside(beside).content
        used = self.judge.used(Leaf(leaf, content))
        if used:
            sifted.steps.append(Step(b"", b"", None, tuple(used)))

    def _judge(self, sifted: Sifted, leaf: bytes, content: bytes) -> None:
        read = Leaf(leaf, content)
        judged = self.judge.judge(read, {})
        if read.rulebook < self.plan.known_from and "member" in read.document and judged.reasons:
            sifted.tally.unknown += 1
        if judged.asked or judged.consumed:
            sifted.steps.append(Step(leaf, content, judged, ()))
        else:
            sifted.tally.add(judged)


@dataclass(slots=True)
class Settling:
    """Steps taken in log order, on what was used before each."""

    judge: Judge
    tally: Tally = field(default_factory=Tally)
    counts: Counter[str] = field(default_factory=Counter)
    full: dict[str, str] = field(default_factory=dict)
    """By counter: the business day of the first receipt that used it up, or wanted more than was left."""

    def take(self, sifted: Sifted) -> None:
        """The next range of the log."""
        self.tally.merge(sifted.tally)
        for step in sifted.steps:
            self._take(step)

    def _take(self, step: Step) -> None:
        counts, judged = self.counts, step.judged
        if judged is None:
            for counter, amount in step.used:
                counts[counter] += amount
            return
        if not judged.holds(counts):
            judged = self.judge.judge(Leaf(step.leaf, step.content), counts)
        wanting = [c for c, cap, amount in judged.asked if counts[c] + amount > cap]
        for counter, amount in judged.consumed:
            counts[counter] += amount
        for counter in (*wanting, *(c for c, cap, _ in judged.asked if counts[c] >= cap)):
            self.full.setdefault(counter, judged.day)
        self.tally.add(judged)
