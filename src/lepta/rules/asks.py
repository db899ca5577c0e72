"""What campaigns ask about members beyond card, tier and segments: only what is asked gets into a sale's facts."""

from typing import NamedTuple

from lepta.rules.birthday import Span


class Asks(NamedTuple):
    """Of one campaign, or of all versions of all campaigns of a programme."""

    joining: bool
    """Since when they are members."""
    birthdays: frozenset[Span]
    """Which days around the birthday; the birthday itself is no fact."""

    def and_of(self, other: "Asks") -> "Asks":
        """What both ask."""
        return Asks(self.joining or other.joining, self.birthdays | other.birthdays)


NOTHING = Asks(joining=False, birthdays=frozenset())
