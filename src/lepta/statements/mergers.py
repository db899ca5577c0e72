"""Mergers: who the two members are, and what went over. Reads only."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from lepta.db import Tx
from lepta.errors import DomainError, InvalidRequest
from lepta.processing import reading
from lepta.processing.canonical import canonical
from lepta.processing.motion import Movement
from lepta.processing.owners import AlreadyMerged, Merge
from lepta.revisions import NotFound
from lepta.statements.adjustments import latest_day
from lepta.statements.cards import SHARD

_MEMBERS = text("SELECT id, ref, merged_into FROM member WHERE id IN (:member, :into)")
_PROGRAMMES = text("SELECT id FROM programme ORDER BY id")
_PROBE = text("SELECT ref FROM merged WHERE shard = :shard AND into_ref = ANY(:refs)")


class Wish(NamedTuple):
    """A merger as it is asked for, by the office's ids."""

    member: str
    into: str

    @property
    def said(self) -> bytes:
        """What makes two of them equal."""
        return canonical(self)


async def placed(tx: Tx, wish: Wish, now: datetime) -> Merge:
    """The act, by today's records. What makes it impossible comes with it: it may be a repeat of one that was not."""
    refs, trouble = ("", ""), None
    try:
        refs = await _refs(tx, wish)
    except DomainError as error:
        trouble = error
    programmes = list((await tx.execute(_PROGRAMMES)).scalars())
    days = [(programme, await latest_day(tx, programme, now)) for programme in programmes]
    return Merge(*refs, (*wish,), days=tuple(days), said=wish.said, trouble=trouble)


async def _refs(tx: Tx, wish: Wish) -> tuple[str, str]:
    found = {row.id: row for row in await tx.execute(_MEMBERS, wish._asdict())}
    if wish.member not in found:
        raise NotFound("member", wish.member)
    if wish.into not in found or wish.into == wish.member:
        reason = "is the very same member" if wish.into in found else "no member has this id"
        raise InvalidRequest([{"path": "into", "reason": f"{reason}: name another one"}])
    merged_into = found[wish.member].merged_into
    if merged_into not in {None, wish.into}:
        raise AlreadyMerged(wish.member, merged_into)
    return found[wish.member].ref, found[wish.into].ref


async def parts(tx: Tx, first: Movement) -> list[Movement]:
    """All events of a merger: one for each programme, which follow each other in the log."""
    more = range(first.log_index + 1, first.log_index + first.request["parts"])
    found = [await reading.movement_by_index(tx, first.shard, at, "merge") for at in more]
    return [first, *[movement for movement in found if movement is not None]]


async def all_refs(tx: Tx, ref: str) -> list[str]:
    """A member's ref, and those of all who were merged into them, one after the other."""
    refs, newest = [ref], [ref]
    while newest:
        where = {"shard": SHARD, "refs": newest}
        newest = list((await tx.execute(_PROBE, where)).scalars())
        refs += newest
    return refs
