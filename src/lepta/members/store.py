"""SQL of members and cards."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from lepta.db import Tx
from lepta.members.tables import Card, Member, card, member

FIELDS = ("first_name", "last_name", "gender", "language", "phone", "email", "birthday", "tier")


async def find(tx: Tx, member_id: str) -> tuple[Member, int] | None:
    """A member with all cards, and the revision."""
    row = (await tx.execute(select(member).where(member.c.id == member_id))).one_or_none()
    if row is None:
        return None
    told: dict[str, Any] = {name: getattr(row, name) for name in FIELDS}
    cards = await _cards(tx, member_id)
    return Member(row.id, **told, segments=tuple(row.segments), cards=cards), row.revision


async def ref(tx: Tx, member_id: str) -> str | None:
    """The ref by which the ledger knows a member."""
    found: str | None = await tx.scalar(select(member.c.ref).where(member.c.id == member_id))
    return found


async def replace_cards(tx: Tx, member_id: str, cards: Sequence[Card]) -> str | None:
    """Make these the member's cards; returns one that another member has, and then the rest is undecided.

    Cards are claimed in the order of their numbers, so that two members who swap theirs do not wait for each other.
    """
    await tx.execute(delete(card).where(card.c.member == member_id))
    for position, one in sorted(enumerate(cards), key=lambda placed: placed[1].card):
        row = {"card": one.card, "member": member_id, "position": position, "status": one.status}
        claim = insert(card).values(row).on_conflict_do_nothing(index_elements=[card.c.card])
        if (await tx.execute(claim)).rowcount == 0:
            return one.card
    return None


async def _cards(tx: Tx, member_id: str) -> tuple[Card, ...]:
    query = (
        select(card.c.card, card.c.status)
        .where(card.c.member == member_id)
        .order_by(card.c.position)
    )
    return tuple(Card(row.card, row.status) for row in await tx.execute(query))
