"""What a receipt speaks of: what was decided and booked, and whom it addresses. All of it plain values.

Points are in the programme's smallest unit, of which `points_scale` decimals are shown; money is in minor
units of `currency`.
"""

from datetime import date
from typing import Literal, NamedTuple

from lepta.names import Name
from lepta.receipts.template import Template

Gender = Literal["male", "female"]
CardStatus = Literal["none", "unknown", "active", "not-activated", "blocked"]


class Person(NamedTuple):
    """Whom the receipt addresses; the first name as it stands in the member's record, however written."""

    first_name: str
    gender: Gender | None


class Given(NamedTuple):
    """One donation as booked, the funders' and the shopper's part together."""

    fund: Name
    points: int
    money_minor: int
    units: int
    product: Name | None
    """What was bought for it, if that is one product."""
    from_shopper_money_minor: int
    """Of `money_minor`: what the shopper paid on top, or what the shopper's points were worth."""
    from_shopper_points: int
    """Of `points`: what left the shopper's own account."""
    sentence: Template | None
    """The campaign author's words in the language composed, if there are any."""


class Note(NamedTuple):
    """A bonus campaign's own sentence about the `points` (> 0) that it gave."""

    sentence: Template
    points: int
    product: Name | None


class Balance(NamedTuple):
    """The member's points after this sale. `available` may be negative where a programme allows debt."""

    available: int
    held: int
    pending: int
    expiring: tuple[tuple[date, int], ...]
    """(last day of use, points), soonest first."""


class Slip(NamedTuple):
    """One sale as its receipt tells it. What was offered and declined, or not booked, is not in it."""

    person: Person | None
    card_status: CardStatus
    currency: str
    points_scale: int
    earned: int
    pending: int
    """Points of this sale that cannot be spent yet, whether or not `earned` counts them too."""
    redeemed: int
    redeemed_minor: int
    shortfall: int
    """Points that an offline till took off the bill although the account did not have them."""
    given: tuple[Given, ...]
    balance: Balance | None
    programme: Name
    voided: bool
    notes: tuple[Note, ...] = ()
    training: bool = False
    """Nothing of it has happened: somebody is learning to work the till."""


class GivenBack(NamedTuple):
    """One donation whose goods came back: what of it went back with them, or stays with the fund all the same."""

    fund: Name
    points: int
    money_minor: int
    kept: bool


class ReversalSlip(NamedTuple):
    """A void or a return as its receipt tells it."""

    person: Person | None
    currency: str
    points_scale: int
    void: bool
    unreferenced: bool
    """Whether nobody knows which sale it is about, so that nothing was taken back."""
    refund_minor: int
    clawed_back: int
    """Earned points that went back, those that the member owes included."""
    restored: int
    """Points that had paid for what came back."""
    owed: int
    """Of `clawed_back`: what the member had spent, to be kept from what they earn next."""
    given: tuple[GivenBack, ...]
    balance: Balance | None
    training: bool = False
    """As `Slip.training`."""
    repaid: int = 0
    """Points of the member that paid what they had owed before."""
