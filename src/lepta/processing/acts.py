"""What may happen besides sales and publications: frozen values, each with the bytes by which it is known again.

An act says which names it takes, which sale it is about and whose points it touches, so that the writer can load
all that deciding needs before it decides.
"""

from collections.abc import Mapping
from datetime import date
from typing import ClassVar, Self

from lepta.processing.events import NaturalKey
from lepta.processing.leaf import Leaf
from lepta.values import value


@value
class LotsDue:
    """A day has begun in all stores of a programme: a member's points that waited for it may be spent, and those
    whose last day is over are gone.
    """

    member: str
    programme: str
    on: date

    kind: ClassVar[str] = "lots"
    key: ClassVar[NaturalKey | None] = None
    subject: ClassVar[NaturalKey | None] = None

    @property
    def members(self) -> tuple[str, ...]:
        """Whose lots it needs, all of them; those of its subject's member are known anyway."""
        return (self.member,)

    @property
    def identity(self) -> bytes:
        """What makes two of them equal."""
        return f"lots\n{self.member}\n{self.programme}\n{self.on}".encode()

    @classmethod
    def of(cls, leaf: Leaf) -> Self:
        """The act that a leaf tells of."""
        facts, request = leaf.document["facts"], leaf.document["request"]
        return cls(facts["member"], facts["programme"], date.fromisoformat(request["on"]))


Act = LotsDue
ACTS = (LotsDue,)
BY_KIND: Mapping[str, type[Act]] = {act.kind: act for act in ACTS}
