"""Saving and reading members with their cards."""

import secrets
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import NamedTuple

from lepta.db import Database, Tx
from lepta.errors import DomainError, InvalidRequest, Kind
from lepta.members import erasing
from lepta.members import store as sql
from lepta.members.store import Standing
from lepta.members.tables import Member, member
from lepta.revisions import Always, Expected, NotFound, Saved, lock, write


class CardTaken(DomainError):
    """A card belongs to another member.

    The member `card` names it. A card has one owner: take it from the other member first, by replacing that
    member without it.
    """

    code = "card-taken"
    kind = Kind.CONFLICT

    def __init__(self, card: str) -> None:
        super().__init__(
            "A card in this list belongs to another member. Take it from them first.", card=card
        )


class MemberMerged(DomainError):
    """The member was merged into another one.

    The member `into` names who that is: their points, cards and history are one. Change that member instead.
    """

    code = "member-merged"
    kind = Kind.CONFLICT

    def __init__(self, into: str) -> None:
        super().__init__(
            f"This member was merged into {into}, who has their points and cards. Change that member instead.",
            into=into,
        )


class Stored(NamedTuple):
    """A member as they are stored now, and what that did."""

    record: Member
    saved: Saved


async def put(db: Database, record: Member, expected: Expected) -> Stored:
    """Create or replace a member and their cards."""
    async with db.begin() as tx:
        (stored,) = await _put(tx, [record], expected)
    return stored


async def put_all(db: Database, records: Sequence[Member]) -> list[Saved]:
    """Create or replace members, whatever is stored, in one transaction."""
    async with db.begin() as tx:
        return [stored.saved for stored in await _put(tx, records, Always())]


async def _put(tx: Tx, records: Sequence[Member], expected: Expected) -> list[Stored]:
    """Members in the order of their ids and then all their cards: who locks in one order never waits in a ring."""
    for record in records:
        _check(record)
    by_id = sorted(range(len(records)), key=lambda n: records[n].id)
    stored = {n: await _put_member(tx, records[n], expected) for n in by_id}
    # Of two records of one member the later one stands.
    taken = await sql.replace_cards(tx, {record.id: record.cards for record in records})
    if taken is not None:
        raise CardTaken(taken)
    return [stored[n] for n in range(len(records))]


async def _put_member(tx: Tx, record: Member, expected: Expected) -> Stored:
    old = await lock(tx, member, record.id, expected)
    before = None if old is None else await sql.kept(tx, record.id)
    if before and before.merged_into is not None:
        raise MemberMerged(before.merged_into)
    joined_on = before.joined_on if before else datetime.now(UTC).date()
    record = replace(record, joined_on=record.joined_on or joined_on)
    values = asdict(record)
    del values["cards"]
    values |= {"segments": list(record.segments), "ref": before.ref if before else new_ref()}
    if before and (before.tier, before.segments) != (record.tier, values["segments"]):
        values["since"] = await sql.remember(tx, record.id, before)
    return Stored(record, await write(tx, member, values, old))


def _check(record: Member) -> None:
    numbers = [card.card for card in record.cards]
    twice = [i for i, number in enumerate(numbers) if number in numbers[:i]]
    if twice:
        raise InvalidRequest(
            [{"path": f"cards.{i}", "reason": "stands in this list already"} for i in twice]
        )


def new_ref() -> str:
    """A name for the ledger that says nothing: 90 random bits after an m."""
    return "m" + b32encode(secrets.token_bytes(12)).decode()[:18].lower()


async def choose(db: Database, card: str, campaign: str, beneficiary: str | None) -> bool:
    """Store who gets a campaign's donations of a card's owner; None: the default. False: nobody has the card."""
    async with db.begin() as tx:
        return await sql.choose(tx, card, campaign, beneficiary)


async def erase(db: Database, member_id: str) -> str:
    """Forget a member: the person, cards, choices, tiers, segments and what the office wrote about them, all at once.

    Returns the random ref, which is all that is left. Raises `NotFound`.
    """
    async with db.begin() as tx:
        ref = await erasing.lock(tx, member_id)
        if ref is None:
            raise NotFound("member", member_id)
        await sql.replace_cards(tx, {member_id: ()})
        await erasing.forget(tx, member_id, ref)
    return ref


async def standings(db: Database, member_id: str, most: int) -> list[Standing]:
    """What tiers and segments a member has and had, the newest first. Raises `NotFound`."""
    async with db.read() as tx:
        found = await sql.standings(tx, member_id, most)
    if not found:
        raise NotFound("member", member_id)
    return found


async def get(db: Database, member_id: str) -> tuple[Member, int]:
    """A member and the revision."""
    async with db.read() as tx:
        found = await sql.find(tx, member_id)
    if found is None:
        raise NotFound("member", member_id)
    return found
