"""What deciding saw of today's records, free of personal data: stored beside the log as an event's facts.

With it, the basket and the log before it, a sale can be decided again when every table has moved on.
"""

from typing import Any, NamedTuple

from lepta.processing.canonical import canonical

CARD_STATUSES = ("none", "unknown", "active", "not-activated", "blocked")
"""none: no card was shown; unknown: nobody's. Both earn nothing."""
EARNING = frozenset({"active", "not-activated"})


class StoreSeen(NamedTuple):
    """The store's record at deciding."""

    retailer: str
    region: str | None
    time_zone: str
    programme: str


class MemberSeen(NamedTuple):
    """The member behind the card: `ref` is random and names nobody."""

    ref: str
    tier: str | None
    segments: tuple[str, ...]
    joined_days: int | None = None
    birthdays: tuple[tuple[int, int], ...] = ()
    """See `rules.facts.Shopper`: only what campaigns ask about, and never the birthday itself."""


class ProductSeen(NamedTuple):
    """What the catalogue adds to a line whose event left it out."""

    categories: tuple[str, ...]
    brand: str | None


class Seen(NamedTuple):
    """The facts of one sale that neither its basket nor the log before it holds."""

    offline: bool
    store: StoreSeen
    card_status: str
    member: MemberSeen | None
    products: tuple[ProductSeen | None, ...]
    """One a line; None where the event said all itself or the catalogue knows nothing."""
    closed: tuple[str, ...] = ()
    """See `rules.facts.Facts`."""
    quote_stale: bool = False
    """Whether the sale names a quote that did not hold, and was over already."""
    chosen: tuple[tuple[str, str], ...] = ()
    """See `rules.facts.Facts`."""
    location: tuple[int, int] | None = None
    """See `rules.facts.Store`."""
    active_minutes: int | None = None
    """See `rules.facts.Shopper`."""

    def to_bytes(self) -> bytes:
        """Canonical JSON; what is at its default is left out."""
        store = self.store
        document: dict[str, Any] = {
            "card": self.card_status,
            "store": [store.retailer, store.region, store.time_zone, store.programme],
        }
        if self.offline:
            document["offline"] = True
        member = self.member
        if member is not None:
            document["member"] = [member.ref, member.tier, *member.segments]
            if member.joined_days is not None:
                document["joined"] = member.joined_days
            if member.birthdays:
                document["birthdays"] = member.birthdays
        if any(self.products):
            document["products"] = [
                0 if p is None else [p.brand, *p.categories] for p in self.products
            ]
        if self.closed:
            document["closed"] = self.closed
        if self.quote_stale:
            document["quote"] = "stale"
        if self.chosen:
            document["chosen"] = self.chosen
        if self.location or self.active_minutes is not None:
            document |= self._watched
        return canonical(document)

    @property
    def _watched(self) -> dict[str, Any]:
        """What is seen for programmes that watch."""
        told = {"location": self.location, "activated": self.active_minutes}
        return {name: seen for name, seen in told.items() if seen is not None}

    @classmethod
    def of(cls, document: dict[str, Any], lines: int) -> "Seen":
        """What `to_bytes` wrote for a basket of so many lines, parsed."""
        products = document.get("products")
        return cls(
            offline=document.get("offline", False),
            store=StoreSeen(*document["store"]),
            card_status=document["card"],
            member=_member(document),
            products=tuple(ProductSeen(tuple(p[1:]), p[0]) if p else None for p in products)
            if products
            else (None,) * lines,
            closed=tuple(document.get("closed", ())),
            quote_stale=document.get("quote") == "stale",
            chosen=tuple([(campaign, to) for campaign, to in document.get("chosen", ())]),
            location=_location(document),
            active_minutes=document.get("activated"),
        )


def _location(document: dict[str, Any]) -> tuple[int, int] | None:
    if "location" not in document:
        return None
    latitude, longitude = document["location"]
    return latitude, longitude


def _member(document: dict[str, Any]) -> MemberSeen | None:
    member = document.get("member")
    if member is None:
        return None
    ref, tier, *segments = member
    birthdays = tuple([(before, after) for before, after in document.get("birthdays", ())])
    return MemberSeen(ref, tier, tuple(segments), document.get("joined"), birthdays)
