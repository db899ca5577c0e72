"""What may happen besides sales and publications: frozen values, each with the bytes by which it is known again.

An act says which names it takes, which sale it is about and whose points it touches, so that the writer can load
all that deciding needs before it decides.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Self

from lepta.errors import DomainError
from lepta.processing.canonical import canonical
from lepta.processing.events import NaturalKey, moment_of
from lepta.processing.leaf import Leaf
from lepta.processing.owners import ClaimSale, Merge, Transfer
from lepta.processing.proration import ReturnedLine
from lepta.processing.seen import MemberSeen, StoreSeen
from lepta.values import value

Till = tuple[str, str]
"""A store, and a till in it."""


@value
class LotsDue:
    """A day has begun in all stores of a programme: a member's points that waited for it may be spent, and those
    whose last day is over are gone.
    """

    member: str
    programme: str
    on: date
    left: bool = False
    """The member is nobody any more: all of their points are gone, those that wait, too."""

    kind: ClassVar[str] = "lots"
    key: ClassVar[NaturalKey | None] = None
    subject: ClassVar[NaturalKey | None] = None
    till: ClassVar[Till | None] = None
    offline: ClassVar[bool] = False

    @property
    def members(self) -> tuple[str, ...]:
        """Whose lots it needs, all of them; those of its subject's member are known anyway."""
        return (self.member,)

    @property
    def identity(self) -> bytes:
        """What makes two of them equal."""
        return f"lots\n{self.member}\n{self.programme}\n{self.on}\n{self.left}".encode()

    @property
    def request(self) -> dict[str, Any]:
        """What was told, as it lies beside the leaf."""
        return {"left": True, "on": self.on} if self.left else {"on": self.on}

    @classmethod
    def of(cls, leaf: Leaf) -> Self:
        """The act that a leaf tells of."""
        facts, request = leaf.document["facts"], leaf.document["request"]
        on = date.fromisoformat(request["on"])
        return cls(facts["member"], facts["programme"], on, "left" in request)


@value
class Void:
    """A sale never was: all that is left of it is taken back, also if it is still on its way."""

    sale: NaturalKey

    kind: ClassVar[str] = "void"
    members: ClassVar[tuple[str, ...]] = ()
    offline: ClassVar[bool] = False

    @property
    def key(self) -> NaturalKey:
        """A sale is voided once."""
        return self.sale

    @property
    def subject(self) -> NaturalKey:
        """The sale that it is about."""
        return self.sale

    @property
    def till(self) -> Till:
        """Whose request headers name it: those of the sale's till."""
        return self.sale[:2]

    @property
    def identity(self) -> bytes:
        """What makes two of them equal. A till says no time: the second attempt is the same void."""
        return b"void\n" + canonical(self.sale)

    @property
    def request(self) -> dict[str, Any]:
        """Nothing but the sale's name was said."""
        return {}

    @classmethod
    def of(cls, leaf: Leaf) -> Self:
        """The act that a leaf tells of."""
        return cls(leaf.key)


@value
class Return:
    """Goods come back. `total` is what they cost, before points and gifts, minor units."""

    key: NaturalKey
    occurred_at: datetime
    original: NaturalKey | None
    """The sale they were bought in, as far as somebody knows."""
    lines: tuple[ReturnedLine, ...]
    total: int
    offline: bool = False
    """It is over: the shopper has the money, whatever is known of the sale."""

    kind: ClassVar[str] = "return"
    members: ClassVar[tuple[str, ...]] = ()

    @property
    def subject(self) -> NaturalKey | None:
        """The sale that it is about."""
        return self.original

    @property
    def till(self) -> Till:
        """Whose request headers name it."""
        return self.key[:2]

    @property
    def identity(self) -> bytes:
        """What makes two of them equal: all but `offline`. A moment is the same whatever offset it is told with."""
        said = self.request
        said.pop("offline", None)
        return b"return\n" + canonical([self.key, moment_of(self.occurred_at), said])

    @property
    def request(self) -> dict[str, Any]:
        """What was asked, as it lies beside the leaf."""
        request: dict[str, Any] = {"lines": list(map(tuple, self.lines)), "total": self.total}
        if self.original is not None:
            request["original"] = tuple(self.original)
        if self.offline:
            request["offline"] = True
        return request

    @classmethod
    def of(cls, leaf: Leaf) -> Self:
        """The act that a leaf tells of."""
        request = leaf.document["request"]
        lines = tuple([ReturnedLine(*line) for line in request["lines"]])
        original = NaturalKey.of(request["original"]) if "original" in request else None
        return cls(
            leaf.key, leaf.occurred_at, original, lines, request["total"], "offline" in request
        )


@value
class Adjustment:
    """The office gives a member points, or takes some, for a reason that it states."""

    member: str
    programme: str
    party: str
    """Who issues these points, or takes them back."""
    points: int
    """Smallest units; below 0: taken."""
    on: date
    """The day that it is where the programme's day begins first: points live from then."""
    said: bytes = b""
    """The request in canonical form, by which a repeat is known. It names a card, so no leaf has it."""
    reason: str = ""
    """May name a person, so no leaf has it either."""
    trouble: DomainError | None = None
    """Why it cannot be decided now, whatever it was before."""

    kind: ClassVar[str] = "adjustment"
    key: ClassVar[NaturalKey | None] = None
    subject: ClassVar[NaturalKey | None] = None
    till: ClassVar[Till | None] = ("", "office")
    """No store has an empty id."""
    offline: ClassVar[bool] = False

    @property
    def members(self) -> tuple[str, ...]:
        """Whose lots it needs."""
        return (self.member,) if self.member else ()

    @property
    def identity(self) -> bytes:
        """What makes two of them equal."""
        return b"adjustment\n" + self.said

    @classmethod
    def of(cls, leaf: Leaf) -> Self:
        """The act that a leaf tells of."""
        facts, request = leaf.document["facts"], leaf.document["request"]
        on = date.fromisoformat(request["on"])
        return cls(facts["member"], facts["programme"], facts["party"], request["points"], on)


@value
class Hold:
    """A till sets points of a card aside for a sale under way."""

    till: Till
    card: str
    """As the till read it; nothing stored names it."""
    status: str
    member: str | None
    points: int
    ttl_s: int

    kind: ClassVar[str] = "hold"
    key: ClassVar[NaturalKey | None] = None
    subject: ClassVar[NaturalKey | None] = None
    offline: ClassVar[bool] = False

    @property
    def members(self) -> tuple[str, ...]:
        """Whose lots it needs."""
        return () if self.member is None else (self.member,)

    @property
    def identity(self) -> bytes:
        """What makes two of them equal: all that the till says, whoever has the card by now."""
        return b"hold\n" + canonical([self.till, self.points, self.ttl_s, self.card])

    @property
    def request(self) -> dict[str, Any]:
        """What was asked, as it lies beside the leaf."""
        return {"points": self.points, "till": self.till, "ttl_s": self.ttl_s}

    @classmethod
    def of(cls, leaf: Leaf) -> Self:
        """The act that a leaf tells of: without the card, which was active."""
        facts, request = leaf.document["facts"], leaf.document["request"]
        store, till = request["till"]
        return cls(
            (store, till), "", "active", facts["member"], request["points"], request["ttl_s"]
        )


@value
class Release:
    """Points that were set aside are free again."""

    hold: int
    """Its place in the log."""
    expired: bool = False
    """Only if its time is over."""

    kind: ClassVar[str] = "release"
    key: ClassVar[NaturalKey | None] = None
    subject: ClassVar[NaturalKey | None] = None
    till: ClassVar[Till | None] = None
    members: ClassVar[tuple[str, ...]] = ()
    offline: ClassVar[bool] = False

    @property
    def identity(self) -> bytes:
        """What makes two of them equal."""
        return f"release\n{self.hold}\n{self.expired}".encode()

    @property
    def request(self) -> dict[str, Any]:
        """What was asked, as it lies beside the leaf."""
        return {"expired": True} if self.expired else {}

    @classmethod
    def of(cls, leaf: Leaf) -> Self:
        """The act that a leaf tells of."""
        return cls(leaf.document["about"][0], "expired" in leaf.document["request"])


@value
class Donor:
    """Who gives at a kiosk, and where, by the day's records."""

    card_status: str
    member: MemberSeen
    place: str
    """The store."""
    store: StoreSeen
    currency: str
    closed: tuple[str, ...] = ()
    """Funds that take nothing any more; in the log those that the gift might have gone to."""
    chosen: tuple[tuple[str, str], ...] = ()
    """(campaign, beneficiary) that they chose once; in the log the one that mattered."""


@value
class Gift:
    """A shopper gives points of their own to a fund, without a purchase."""

    place: str
    """The store of the kiosk."""
    campaign: str | None
    fund: str | None
    """At least one of both; of a campaign with a choice the beneficiary."""
    points: int
    donor: Donor | None
    said: bytes = b""
    """The request in canonical form, by which a repeat is known. It names a card, so no leaf has it."""
    trouble: DomainError | None = None
    """Why it cannot be decided now, whatever it was before."""

    kind: ClassVar[str] = "gift"
    key: ClassVar[NaturalKey | None] = None
    subject: ClassVar[NaturalKey | None] = None
    offline: ClassVar[bool] = False

    @property
    def till(self) -> Till:
        """Whose request headers name it: those of the store's kiosks. No till has an empty id."""
        return (self.place, "")

    @property
    def members(self) -> tuple[str, ...]:
        """Whose lots it needs."""
        return (self.donor.member.ref,) if self.donor else ()

    @property
    def identity(self) -> bytes:
        """What makes two of them equal."""
        return b"gift\n" + self.said

    @classmethod
    def of(cls, leaf: Leaf) -> Self:
        """The act that a leaf tells of."""
        facts, request = leaf.document["facts"], leaf.document["request"]
        place, retailer, region, time_zone = facts["store"]
        store = StoreSeen(retailer, region, time_zone, facts["programme"])
        segments = tuple(facts.get("segments", ()))
        member = MemberSeen(facts["member"], facts.get("tier"), segments)
        closed = tuple(facts.get("closed", ()))
        chosen = tuple([(campaign, to) for campaign, to in facts.get("chosen", ())])
        donor = Donor(facts["card"], member, place, store, facts["currency"], closed, chosen)
        return cls(place, request["campaign"], request.get("fund"), request["points"], donor)


Act = LotsDue | Void | Return | Adjustment | Hold | Release | Gift | Transfer | Merge | ClaimSale
ACTS = (LotsDue, Void, Return, Adjustment, Hold, Release, Gift, Transfer, Merge, ClaimSale)
BY_KIND: Mapping[str, type[Act]] = {act.kind: act for act in ACTS}
