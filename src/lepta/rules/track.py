"""One campaign's life as a row of versions, and which of them is in force when."""

from dataclasses import dataclass

from lepta.rules.campaign import Campaign
from lepta.rules.counted import Counted

ALWAYS = -(2**62)
"""Since ever, as a second."""

Version = tuple[int, Campaign | None]
"""(in force from this second since 1970, the campaign; None: paused)."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """All versions of one campaign."""

    id: str
    number: int
    """Its place in the order of first publication."""
    versions: tuple[Version, ...]
    """In the order of publication."""
    newest: Campaign
    counted: Counted
    """The newest published limits, for late events too."""
    ended: bool = False
    """Whether its last version is its end."""

    @property
    def published(self) -> list[Campaign]:
        """Its versions without the pauses between them, the newest last."""
        return [campaign for _, campaign in self.versions if campaign is not None]

    def at(self, at_s: int) -> Campaign | None:
        """The version in force: the newest of those that had begun."""
        from_s, newest = self.versions[-1]
        if from_s <= at_s:
            return newest
        for from_s, campaign in reversed(self.versions[:-1]):
            if from_s <= at_s:
                return campaign
        return None
