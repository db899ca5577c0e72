"""What may happen to whose points are whose: acts of the office about members, as in `acts`."""

from datetime import date
from typing import ClassVar, Self

from lepta.errors import DomainError
from lepta.processing.events import NaturalKey
from lepta.processing.leaf import Leaf
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
