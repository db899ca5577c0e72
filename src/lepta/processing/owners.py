"""What may happen to whose points are whose: acts of the office about members, as in `acts`."""

from datetime import date
from typing import Any, ClassVar, Self

from lepta.errors import DomainError, Kind
from lepta.processing.events import NaturalKey
from lepta.processing.leaf import Leaf
from lepta.processing.seen import MemberSeen
from lepta.values import value

OFFICE = ("", "office")
"""Whose request headers name these acts: no store has an empty id."""


@value
class Transfer:
    """A member leaves points to another one."""

    member: str
    to: str
    """Who gets them."""
    programme: str
    points: int
    on: date
    """The day that it is where the programme's day begins first: lots that ended before it are not to be used."""
    said: bytes = b""
    """The request in canonical form, by which a repeat is known. It names cards, so no leaf has it."""
    reason: str = ""
    """May name a person, so no leaf has it either."""
    trouble: DomainError | None = None
    """Why it cannot be decided now, whatever it was before."""

    kind: ClassVar[str] = "transfer"
    key: ClassVar[NaturalKey | None] = None
    subject: ClassVar[NaturalKey | None] = None
    till: ClassVar[tuple[str, str] | None] = OFFICE
    offline: ClassVar[bool] = False

    @property
    def members(self) -> tuple[str, ...]:
        """Whose lots it needs."""
        return (self.member, self.to) if self.member else ()

    @property
    def identity(self) -> bytes:
        """What makes two of them equal."""
        return b"transfer\n" + self.said

    @classmethod
    def of(cls, leaf: Leaf) -> Self:
        """The act that a leaf tells of."""
        facts, request = leaf.document["facts"], leaf.document["request"]
        on = date.fromisoformat(request["on"])
        return cls(facts["member"], facts["to"], facts["programme"], request["points"], on)


class AlreadyMerged(DomainError):
    """The member was merged before.

    The member `member` names who was merged, `into` the one whose points and cards they are now. A member is merged
    once, and nobody is merged into one who was.
    """

    code = "already-merged"
    kind = Kind.CONFLICT

    def __init__(self, member: str, into: str) -> None:
        super().__init__(
            f"Member {member} was merged into {into} before and has nothing of their own any more. Nothing was recorded: "
            f"name {into} instead.",
            member=member,
            into=into,
        )


@value
class Merge:
    """A member turns out to be another one: all that is theirs goes over, for good."""

    member: str
    """Who is merged."""
    into: str
    """Who stays."""
    names: tuple[str, str]
    """What the office calls both; nothing stored by the ledger does."""
    programme: str | None = None
    """In the log, where each programme's points go over by an event of their own; None: the members have none."""
    parts: int = 1
    """How many events the merge is; they follow each other in the log."""
    is_first: bool = True
    """Whether it is the first of its parts."""
    days: tuple[tuple[str, date], ...] = ()
    """By programme the day that it is where it begins first: points that ended before it pay no debt."""
    said: bytes = b""
    """The request in canonical form, by which a repeat is known. It has the office's names, so no leaf has it."""
    trouble: DomainError | None = None
    """Why it cannot be decided now, whatever it was before."""

    kind: ClassVar[str] = "merge"
    key: ClassVar[NaturalKey | None] = None
    subject: ClassVar[NaturalKey | None] = None
    till: ClassVar[tuple[str, str] | None] = OFFICE
    offline: ClassVar[bool] = False

    @property
    def members(self) -> tuple[str, ...]:
        """Whose lots it needs."""
        return (self.member, self.into) if self.member else ()

    @property
    def identity(self) -> bytes:
        """What makes two of them equal."""
        return b"merge\n" + self.said

    @property
    def request(self) -> dict[str, Any]:
        """What lies beside the leaf: of days that of its programme."""
        on = dict(self.days).get(self.programme or "")
        return {"parts": self.parts} if on is None else {"on": on, "parts": self.parts}

    @classmethod
    def of(cls, leaf: Leaf) -> Self:
        """The act that a leaf tells of."""
        facts, request = leaf.document["facts"], leaf.document["request"]
        programme = facts.get("programme")
        on = ((programme, date.fromisoformat(request["on"])),) if "on" in request else ()
        return cls(facts["was"], facts["member"], ("", ""), programme, request["parts"], days=on)


@value
class Claimant:
    """Who claims a sale, by the records of the day of the claim, but as of the sale."""

    card_status: str
    member: MemberSeen

    def to_facts(self) -> dict[str, Any]:
        """What is at its default is left out."""
        ref, tier, segments, joined_days, birthdays = self.member
        told = {"tier": tier, "segments": segments, "joined": joined_days, "birthdays": birthdays}
        more = {name: each for name, each in told.items() if each not in (None, ())}
        return {"card": self.card_status, "member": ref, **more}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Self:
        """What `to_facts` made."""
        birthdays = tuple([(before, after) for before, after in facts.get("birthdays", ())])
        member = MemberSeen(
            facts["member"], facts.get("tier"), tuple(facts.get("segments", ())), facts.get("joined"), birthdays
        )  # fmt: skip
        return cls(facts["card"], member)


@value
class ClaimSale:
    """A member says that a sale without a card was theirs."""

    sale: NaturalKey
    card: str = ""
    """Nothing stored names it."""
    claimant: Claimant | None = None
    """Found when its turn comes; None: nobody has the card."""
    said: bytes = b""
    """The request in canonical form, by which a repeat is known."""
    trouble: DomainError | None = None
    """Why it cannot be decided now, whatever it was before."""

    kind: ClassVar[str] = "claim"
    key: ClassVar[NaturalKey | None] = None
    till: ClassVar[tuple[str, str] | None] = OFFICE
    offline: ClassVar[bool] = False

    @property
    def subject(self) -> NaturalKey:
        """The sale that it is about."""
        return self.sale

    @property
    def members(self) -> tuple[str, ...]:
        """Whose lots it needs."""
        return () if self.claimant is None else (self.claimant.member.ref,)

    @property
    def identity(self) -> bytes:
        """What makes two of them equal."""
        return b"claim\n" + self.said

    @property
    def request(self) -> dict[str, Any]:
        """What was asked, as it lies beside the leaf: without the card."""
        return {"sale": tuple(self.sale)}

    @classmethod
    def of(cls, leaf: Leaf) -> Self:
        """The act that a leaf tells of."""
        facts, request = leaf.document["facts"], leaf.document["request"]
        return cls(NaturalKey.of(request["sale"]), claimant=Claimant.of(facts))
