"""How long each phase takes, and on how much data. Pure."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """One size of the bench. Seconds of loading are estimates for the progress bar only."""

    name: str
    headline: str
    members: int
    campaigns: int
    rounds: int
    """How often ours and its anchors take their turn; the median counts."""
    phase_s: float
    """Each timed phase."""
    warm_up_s: float
    pace_s: float
    """P4's timed phase."""
    rules_s: float
    """P5, for each size and side."""
    members_s: float = 25
    campaigns_s: float = 8
    anchor_s: float = 8
    stored_s: float = 60
    """P8 and P10: of what the load has left."""

    @property
    def rules_total_s(self) -> float:
        """All of P5, with making the rulebooks."""
        return 7 * self.rules_s + 6

    def expected_s(self, chosen: Collection[str]) -> float:
        """About how long these rows take."""
        seconds = self.rules_total_s if "P5" in chosen else 0.0
        if set(chosen) - {"P5"}:
            sides = 1 + ("P1" in chosen) + ("P2" in chosen)
            seconds += 5 + self.members_s + self.campaigns_s + self.anchor_s
            seconds += self.warm_up_s + sides * self.rounds * self.phase_s + (sides - 1) * 3
        seconds += (self.phase_s + self.warm_up_s) * ("P3" in chosen)
        seconds += self.stored_s * bool({"P8", "P10"} & set(chosen))
        return seconds + (self.pace_s + self.warm_up_s) * ("P4" in chosen)


FULL = Plan(
    name="full",
    headline="Lepta bench: timed phases of 10 s after a warm-up, ours and its anchors in turn, medians of 3.",
    members=1_000_000,
    campaigns=1_000,
    rounds=3,
    phase_s=10,
    warm_up_s=5,
    pace_s=15,
    rules_s=3,
)
QUICK = Plan(
    name="quick",
    headline="Lepta bench --quick: phases of 3 s, one turn each, 50,000 members. A smoke test, not a measurement.",
    members=50_000,
    campaigns=1_000,
    rounds=1,
    phase_s=3,
    warm_up_s=2,
    pace_s=4,
    rules_s=0.6,
    members_s=4,
    stored_s=10,
)
