"""Who a member is by now: whoever was merged goes on as another one. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from lepta.processing.acts import Adjustment, Gift, Hold, LotsDue
from lepta.processing.owners import Transfer
from lepta.rules.limits import Counter, is_hard


class Heir(NamedTuple):
    """Whose everything of a member became, at a place of the log."""

    log_index: int
    ref: str


Heirs = Sequence[Heir]
"""Of one member, one after the other: who was merged into whom."""
A = TypeVar("A")


def heir_at(ref: str, heirs: Heirs, before: int) -> str:
    """Who the member is before a place of the log."""
    for heir in heirs:
        if heir.log_index < before:
            ref = heir.ref
    return ref


def own_counter(counter: Counter, ref: str) -> bool:
    """Whether it counts what this member got; all such end in the ref."""
    return counter.endswith(f"|{ref}") and not is_hard(counter)


def of_heir(counter: Counter, ref: str, heir: str) -> Counter:
    """The counter by which the heir goes on where it counts what the member got."""
    return f"{counter.removesuffix(ref)}{heir}" if own_counter(counter, ref) else counter


def settled(act: A, heirs: Mapping[str, Heirs], before: int) -> A:
    """The act with who its members are by now: they may have been merged since it was laid out."""
    if not heirs:
        return act

    def now(ref: str) -> str:
        return heir_at(ref, heirs.get(ref, ()), before)

    match act:
        case Adjustment() | Hold() if act.member is not None:
            return replace(act, member=now(act.member))
        case LotsDue() if not act.left:
            return replace(act, member=now(act.member))
        case Transfer():
            return replace(act, member=now(act.member), to=now(act.to))
        case Gift() if act.donor is not None:
            member = act.donor.member._replace(ref=now(act.donor.member.ref))
            return replace(act, donor=replace(act.donor, member=member))
        case _:
            return act
