"""A sale as the rules see it: frozen, resolved, free of personal data.

If a rule needs to know more, the fact is added here. Facts are stored beside the log with their event, so
that a sale can be decided again years later without today's tables.
"""

from datetime import date, datetime
from typing import NamedTuple

from lepta.values import value


@value
class Line:
    """One line of the basket. `categories` and `brand` are resolved: the event's own, else the catalogue's."""

    number: int
    sku: str
    categories: tuple[str, ...]
    brand: str | None
    is_goods: bool
    """Gift cards, deposits and donation lines are not goods: nothing is earned on or given for them."""
    quantity_micro: int
    """As the till sent it, in millionths; what counts is its size, the sign comes from the amount."""
    amount_minor: int
    """What the line costs after the till's own discounts and its share of the total's difference; may be <= 0."""


@value
class Store:
    """Where the sale took place. A store belongs to one programme: only its campaigns fire there."""

    id: str
    retailer: str
    region: str | None
    programme: str
    currency: str
    location: tuple[int, int] | None = None
    """Latitude and longitude in hundred-thousandths of a degree, where the programme watches how far cards get."""


@value
class Shopper:
    """The member behind the card, as of the sale; only given to the rules when the card may earn."""

    ref: str
    tier: str | None = None
    segments: tuple[str, ...] = ()
    joined_days: int | None = None
    """Days from joining to the business day, not below 0; None: unknown, or no campaign of the programme asks."""
    birthdays: tuple[tuple[int, int], ...] = ()
    """Of the (days before, days after) that campaigns of the programme ask for, those around the birthday today."""
    active_minutes: int | None = None
    """Since the card became active, where the programme watches that; None: too many for it to matter, or not known."""


@value
class Past:
    """What the ledger knew of the shopper before the sale."""

    points: int
    """Available, smallest units, before any are redeemed."""
    visits: int
    """Visits before this one, each a store and a business day; counted as `lepta.rules.visits` says."""
    is_new_visit: bool
    """Whether the sale begins a visit; on a later sale of the same visit `visits` is what it was."""
    is_first: bool
    """Whether no sale of the member was recorded in the programme before."""
    spendable: int = 0
    """Of `points` what is left after redemption and may be given away; 0 where the card cannot spend."""


NO_PAST = Past(0, 0, is_new_visit=True, is_first=True)
"""Of a shopper who is not known."""


class Gift(NamedTuple):
    """The shopper's answer to an offer: `amount_minor` is what the till took, None if it left that to us."""

    campaign: str
    accepted: bool
    amount_minor: int | None


@value
class Facts:
    """Everything a campaign may ask about. `at` is in the store's time zone, with its offset."""

    store: Store
    at: datetime
    business_day: date
    currency: str
    lines: tuple[Line, ...]
    total_minor: int
    shopper: Shopper | None
    choice: tuple[str, str] | None
    """(campaign, beneficiary) that the shopper picked at the till."""
    gifts: tuple[Gift, ...]
    offline: bool
    """The sale is over and paid: a gift is booked as taken, whatever our figure."""
    closed: tuple[str, ...] = ()
    """Funds that take nothing any more, of those that the sale's campaigns would give to."""
    chosen: tuple[tuple[str, str], ...] = ()
    """(campaign, beneficiary) that the shopper chose once at a kiosk, of the campaigns that the sale touches."""
