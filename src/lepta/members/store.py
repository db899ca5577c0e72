"""SQL of members and cards."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from zlib import crc32

from sqlalchemy import Integer, Text, any_, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from lepta.db import Tx
from lepta.members.tables import Card, Member, card, history, member

ACTIVE = "active"
_CARDS = 0x63617264
_TURNS = 1024

FIELDS = (
    "first_name",
    "last_name",
    "gender",
    "language",
    "phone",
    "email",
    "birthday",
    "tier",
    "joined_on",
    "merged_into",
)


async def find(tx: Tx, member_id: str) -> tuple[Member, int] | None:
    """A member with all cards, and the revision."""
    row = (await tx.execute(select(member).where(member.c.id == member_id))).one_or_none()
    if row is None:
        return None
    told: dict[str, Any] = {name: getattr(row, name) for name in FIELDS}
    cards = await _cards(tx, member_id)
    return Member(row.id, **told, segments=tuple(row.segments), cards=cards), row.revision


class Kept(NamedTuple):
    """What a replacement leaves as it is, and what it has to remember."""

    ref: str
    joined_on: date
    tier: str | None
    segments: list[str]
    since: datetime | None
    """From when on tier and segments hold; None: always."""
    merged_into: str | None
    now: datetime
    """By the database's clock: members of all processes get their times from it."""


async def kept(tx: Tx, member_id: str) -> Kept:
    """Of a member who is stored, and whose row is locked."""
    row = member.c
    columns = select(
        row.ref,
        row.joined_on,
        row.tier,
        row.segments,
        row.since,
        row.merged_into,
        func.clock_timestamp(),
    )
    return Kept(*(await tx.execute(columns.where(row.id == member_id))).one())


async def remember(tx: Tx, member_id: str, before: Kept) -> datetime:
    """Put tier and segments as they were into the history; returns until when they held, so the new ones from then on.

    A clock that was set back makes them hold for no time at all: there is no gap, and no overlap.
    """
    until = before.now if before.since is None else max(before.now, before.since)
    row = {"member": member_id, "until": until, "tier": before.tier, "segments": before.segments}
    await tx.execute(insert(history).values(row).on_conflict_do_nothing())
    return until


class Standing(NamedTuple):
    """Tier and segments that a member had from a moment on until another; None: always, and still."""

    since: datetime | None
    until: datetime | None
    tier: str | None
    segments: list[str]


async def standings(tx: Tx, member_id: str, most: int) -> list[Standing]:
    """The newest first, at most so many; none: there is no such member."""
    now = select(member.c.since, member.c.tier, member.c.segments).where(member.c.id == member_id)
    row = (await tx.execute(now)).one_or_none()
    if row is None:
        return []
    before = select(history.c.until, history.c.tier, history.c.segments).where(
        history.c.member == member_id
    )
    past = (await tx.execute(before.order_by(history.c.until.desc()).limit(most))).all()
    begins = [*(until for until, _, _ in past[1:]), None]
    found = [Standing(row.since, None, row.tier, row.segments)]
    found += [
        Standing(since, until, tier, segments)
        for since, (until, tier, segments) in zip(begins, past, strict=False)
    ]
    return found[:most]


async def replace_cards(tx: Tx, wanted: Mapping[str, Sequence[Card]]) -> str | None:
    """Make these each member's cards; returns one that another member has, and then the rest is undecided.

    The members' rows are locked already. Whoever changes cards first waits for its turn on all of them, those
    it gives away and those it takes, so that nobody waits later, in a ring with others.
    """
    members = list(wanted)
    of_members = card.c.member == any_(cast(members, ARRAY(Text)))
    given_away = (await tx.execute(select(card.c.card).where(of_members))).scalars()
    taken = [one.card for cards in wanted.values() for one in cards]
    await _take_turns(tx, {*given_away, *taken})
    gone = delete(card).where(of_members).returning(card.c.card, card.c.status, card.c.active_since)
    active = {row.card: row.active_since for row in await tx.execute(gone) if row.status == ACTIVE}
    for owner, cards in wanted.items():
        for position, one in enumerate(cards):
            row: dict[str, Any] = {
                "card": one.card,
                "member": owner,
                "position": position,
                "status": one.status,
            }
            if one.status == ACTIVE:
                # One that was active already stays so since it was, whoever has it.
                row["active_since"] = active.get(one.card, func.clock_timestamp())
            claim = insert(card).values(row).on_conflict_do_nothing(index_elements=[card.c.card])
            if (await tx.execute(claim)).rowcount == 0:
                return one.card
    return None


async def _take_turns(tx: Tx, cards: Collection[str]) -> None:
    """Wait, in one order for everybody, until nobody else changes these cards; the turn lasts as long as `tx`.

    Locks on rows would not do: a card that is being made or handed on has no row to lock. Cards share turns,
    so that a large import does not fill the server's table of locks.
    """
    turns = sorted({crc32(number.encode()) % _TURNS for number in cards})
    one = func.unnest(cast(turns, ARRAY(Integer))).column_valued("turn")
    await tx.execute(select(func.pg_advisory_xact_lock(_CARDS, one)))


async def _cards(tx: Tx, member_id: str) -> tuple[Card, ...]:
    query = (
        select(card.c.card, card.c.status)
        .where(card.c.member == member_id)
        .order_by(card.c.position)
    )
    return tuple(Card(row.card, row.status) for row in await tx.execute(query))


async def choose(tx: Tx, number: str, campaign: str, beneficiary: str | None) -> bool:
    """Store a choice of a card's owner, or, of nobody, none; False: nobody has the card.

    No revision is made of it: it is no part of the document that the office replaces.
    """
    none = cast({}, JSONB)
    others = func.coalesce(member.c.choices, none).op("-")(campaign)
    own = {} if beneficiary is None else {campaign: beneficiary}
    after = func.nullif(others.op("||")(cast(own, JSONB)), none)
    owner = select(card.c.member).where(card.c.card == number).scalar_subquery()
    statement = update(member).where(member.c.id == owner).values(choices=after)
    return (await tx.execute(statement)).rowcount == 1
