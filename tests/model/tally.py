"""What a run of the machine did, for the line that is printed after all tests."""

import time
from collections import Counter
from dataclasses import dataclass, field

from simple_names import Answer


@dataclass
class Tally:
    """What a run of the machine did."""

    examples: int = 0
    steps: int = 0
    checks: int = 0
    crashes: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    started_s: float = field(default_factory=time.monotonic)

    def notable(self, kind: str, answer: Answer) -> None:
        """Count what is rare: that it came up at all is what makes the run worth something."""
        for name in ("owed", "shortfall", "repaid", "lapsed", "restored", "renewed", "flags"):
            value = answer.get(name)
            for what in value if isinstance(value, list) else [name] if value else []:
                self.answers[f"{kind}/{what}"] += 1
        if kind == "sale":
            told = zip(("earned", "pending", "redeemed", "given"), answer["points"], strict=False)
            self.answers.update(f"sale/{name}" for name, points in told if points)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started_s

    def line(self) -> str:
        events = sum(count for kind, count in self.answers.items() if "/" not in kind)
        return (
            f"{self.examples} examples, {self.steps} steps, {events} events sent, {self.checks} ledgers compared, "
            f"{self.crashes} crashes, {self.seconds:.0f} s; {dict(sorted(self.answers.items()))}"
        )
