"""What a campaign does. `Effect` is a closed union: if a rule needs to do more, the effect is added here."""

from typing import NamedTuple

from lepta.rules.programme import Expiry
from lepta.values import value


@value
class FunderShare:
    """What one party bears of an effect; `points` it issues, `money_minor` it owes."""

    party: str
    points: int
    money_minor: int


@value
class Earn:
    """`points` (> 0, smallest units) for the shopper, issued by `funders` in parts that add up to them."""

    campaign: str
    points: int
    funders: tuple[FunderShare, ...]
    by_line: tuple[tuple[int, int], ...]
    """(position in `facts.lines`, points) of every line the campaign matched; sums to `points`, zeros included."""
    applications: int
    """How often it applied: units, or sets of them, where it gives per unit, else 1."""
    pending_days: int
    expire_after: Expiry | None
    keep: bool
    """Whether it stays given where goods come back: the campaign's `returns: keep`."""
    again: int = 0
    """See `Campaign.judged_again`."""


@value
class Donate:
    """`points` and `money_minor` for `fund`, paid by `funders` and the shopper together.

    `money_minor` = the funders' money + `shopper_money_minor`; `points` = the funders' points + `shopper_points`.
    """

    campaign: str
    fund: str
    points: int
    money_minor: int
    funders: tuple[FunderShare, ...]
    shopper_points: int
    shopper_money_minor: int
    by_line: tuple[tuple[int, int], ...]
    """(position in `facts.lines`, part) of every line it was given for: sums to `points`, or where it gives none to
    `money_minor`. Of the whole sale: of each line that costs something, in proportion to that.
    """
    applications: int
    keep: bool
    """Whether it stays given where goods come back: the campaign's `returns: keep`."""
    whole_sale: bool = False
    """Whether it was given for the sale as a whole, not for lines of it."""
    matched_minor: int = 0
    """Of the funders' money: what companies added to the shopper's gift."""
    again: int = 0
    """See `Campaign.judged_again`."""

    @property
    def given_for(self) -> tuple[int, ...]:
        """Positions of the lines it was given for; none: for the sale as a whole."""
        return () if self.whole_sale else tuple([position for position, _ in self.by_line])


Effect = Earn | Donate


class Offer(NamedTuple):
    """What the shopper may add of their own: money, or points. Neither above 0: known, but nothing to offer."""

    campaign: str
    fund: str
    amount_minor: int
    points: int = 0
