"""Which of a member's sales a campaign is for: the first of all, or the first of each n-th visit."""

from dataclasses import dataclass

from lepta.rules.envelope import Effect
from lepta.rules.explanation import Why
from lepta.rules.facts import Past


@dataclass(frozen=True, slots=True)
class Occasion:
    """`effect.welcome` or `effect.nth_visit`."""

    nth_visit: int | None
    """None: the member's first sale in the programme."""

    @property
    def is_welcome(self) -> bool:
        """Whether it is for the member's first sale."""
        return self.nth_visit is None

    def missed(self, past: Past, welcomed: int | None) -> tuple[Why, int] | None:
        """Why the sale is not one of them, with the reason's argument; None if it is.

        `welcomed`: how often the campaign has welcomed the member, None: never. Who was and had all of it taken back
        with their first sale is welcomed again.
        """
        if self.nth_visit is None:
            return None if past.is_first or welcomed == 0 else (Why.NOT_FIRST_SALE, 0)
        if not past.is_new_visit:
            return Why.VISIT_UNDER_WAY, 0
        number = past.visits + 1
        return (Why.OTHER_VISIT, number) if number % self.nth_visit else None


def occasion_of(effect: Effect) -> Occasion | None:
    """None: any sale."""
    return Occasion(effect.nth_visit) if effect.welcome or effect.nth_visit else None
