"""For whom a campaign is: tiers, segments, days around the birthday, and a control group that goes without.

The control group is a stable part of the members: whoever is in it stays in it, and a greater percentage only adds
to it. Each campaign has its own, so that no member goes without everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from lepta.rules.birthday import Span
from lepta.rules.explanation import Why
from lepta.rules.facts import Shopper


@dataclass(frozen=True, slots=True)
class Audience:
    """Asked of a shopper with a card; each set that is not empty has its say."""

    tiers: frozenset[str]
    any_segments: frozenset[str]
    no_segments: frozenset[str]
    birthday: Span | None
    earning_tiers: frozenset[str]
    """Of a bonus by tier: those that it has something for."""
    holdout_percent: int

    def obstacle(self, campaign: str, shopper: Shopper) -> int:
        """A `Why` if the campaign is not for the shopper, else 0. Only whom it is for can be held out."""
        if why := self._of_tier(shopper.tier) or self._of_segments(shopper.segments):
            return why
        if self.birthday is not None and self.birthday not in shopper.birthdays:
            return Why.NOT_BIRTHDAY
        if self.holdout_percent and percentile(shopper.ref, campaign) < self.holdout_percent:
            return Why.HELD_OUT
        return 0

    def _of_tier(self, tier: str | None) -> int:
        if self.tiers and tier not in self.tiers:
            return Why.OTHER_TIER
        return Why.NOTHING_FOR_TIER if self.earning_tiers and tier not in self.earning_tiers else 0

    def _of_segments(self, segments: Sequence[str]) -> int:
        if self.any_segments and self.any_segments.isdisjoint(segments):
            return Why.NOT_IN_SEGMENTS
        excluded = self.no_segments and not self.no_segments.isdisjoint(segments)
        return Why.IN_EXCLUDED_SEGMENT if excluded else 0


def percentile(ref: str, campaign: str) -> int:
    """0 to 99, by SHA-256 of both: those below `holdout_percent` are held out."""
    return int.from_bytes(sha256(f"{ref}|{campaign}".encode()).digest()[:8]) % 100
