"""A card's points. Reads only; what it says of a person is for the endpoints behind a key."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import TextClause, text

from lepta.db import Tx
from lepta.errors import DomainError, InvalidRequest, Kind
from lepta.ledger.chart import points_of

SHARD = 0
EXPIRING_WITHIN = timedelta(days=60)

_HOLDER = text("""
    SELECT c.status, m.ref, m.first_name, m.tier, m.choices FROM card c JOIN member m ON m.id = c.member WHERE c.card = :card
""")
_PROGRAMME_OF_STORE = text("SELECT programme FROM store WHERE id = :store")
_PROGRAMME = text("SELECT EXISTS (SELECT FROM programme WHERE id = :programme)")
_PROGRAMMES = text("SELECT id FROM programme ORDER BY id LIMIT 2")
_NUMBERS = text("""
    SELECT a.code, a.id, b.credits - b.debits AS points
    FROM account a JOIN asset s ON s.id = a.asset JOIN account_balance b ON b.shard = a.shard AND b.account = a.id
    WHERE a.shard = :shard AND a.ref = :ref AND a.kind = 'member' AND s.name = :asset
""")
_ZONE_OF_STORE = text("SELECT time_zone FROM store WHERE id = :store")
_EXPIRING = text("""
    SELECT expires_on, sum(remaining)::bigint FROM lot
    WHERE shard = :shard AND account = :account AND expires_on <= :until GROUP BY expires_on ORDER BY expires_on
""")
_WAITING = text("""
    SELECT available_on, sum(remaining)::bigint FROM lot
    WHERE shard = :shard AND account = :account GROUP BY available_on ORDER BY available_on
""")
_GIVEN = text("""
    SELECT a.ref AS fund, sum(s.points)::bigint AS points, sum(s.money_minor)::bigint AS money
    FROM supporter s JOIN account a ON a.shard = s.shard AND a.id = s.fund
    WHERE s.shard = :shard AND s.member = :member GROUP BY a.ref ORDER BY a.ref
""")


_NO_SUCH_PROGRAMME = "no programme has this id: correct it, or leave it out"


class UnknownCard(DomainError):
    """Nobody has this card.

    No member has a card of this number. Check the number; the office gives cards to members.
    """

    code = "unknown-card"
    kind = Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__(
            "Nobody has a card of this number. Check it, or have the office give it to a member."
        )


class Wanted(NamedTuple):
    """In which programme a card is asked about."""

    programme: str | None
    """As the request names it."""
    store: str | None
    """Of the key."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose card it is, and the accounts of one programme."""

    ref: str
    """The member's name in the ledger."""
    status: str
    first_name: str | None
    tier: str | None
    points: dict[str, int]
    """Points by account code; a missing one is 0."""
    accounts: dict[str, int]
    """Their numbers, of those that were opened."""
    choices: dict[str, str]
    """By campaign the beneficiary that they chose at a kiosk."""

    @property
    def account(self) -> int | None:
        """The account that events and gifts name the member by; None before the first points."""
        return self.accounts.get("available")


async def holder(tx: Tx, card: str, wanted: Wanted) -> Holder:
    """The card's owner in one programme. `UnknownCard` if there is none, before the programme is looked at."""
    row = (await tx.execute(_HOLDER, {"card": card})).one_or_none()
    if row is None:
        raise UnknownCard
    programme = await programme_for(tx, wanted)
    where = {"shard": SHARD, "ref": row.ref, "asset": points_of(programme)}
    accounts = {
        code: (number, points) for code, number, points in await tx.execute(_NUMBERS, where)
    }
    points = {code: amount for code, (_, amount) in accounts.items()}
    numbers = {code: number for code, (number, _) in accounts.items()}
    return Holder(row.ref, row.status, row.first_name, row.tier, points, numbers, row.choices or {})


async def programme_for(tx: Tx, wanted: Wanted) -> str:
    """The programme asked for, else the one of the key's store, else the only one there is.

    Raises `InvalidRequest` if the one asked for does not exist, or none is asked for and several do.
    """
    if wanted.programme is not None:
        if not await tx.scalar(_PROGRAMME, {"programme": wanted.programme}):
            raise InvalidRequest([{"path": "programme", "reason": _NO_SUCH_PROGRAMME}])
        return wanted.programme
    if wanted.store is not None:
        found: str | None = await tx.scalar(_PROGRAMME_OF_STORE, {"store": wanted.store})
        if found is not None:
            return found
    several = list((await tx.execute(_PROGRAMMES)).scalars())
    if len(several) != 1:
        why = "several programmes exist" if several else "no programme exists yet"
        raise InvalidRequest([{"path": "programme", "reason": f"is required: {why}"}])
    return str(several[0])


async def summary(tx: Tx, card: str, wanted: Wanted, now: datetime) -> dict[str, Any]:
    """What a kiosk shows; points in smallest units, money in minor ones.

    Lots whose last day is over where the kiosk stands are not to be spent any more, though nobody has told that
    day yet: they are left out.
    """
    found = await holder(tx, card, wanted)
    today = await _today(tx, wanted.store, now)
    expiring = await _lots(tx, _EXPIRING, found.account, until=today + EXPIRING_WITHIN)
    ended = sum(lot["points"] for lot in expiring if lot["on"] < today)
    donations: list[dict[str, Any]] = []
    if found.account is not None:
        given = await tx.execute(_GIVEN, {"shard": SHARD, "member": found.account})
        donations = [{"fund": row.fund, "points": row.points, "money": row.money} for row in given]
    counts = {code: found.points.get(code, 0) for code in ("available", "held", "pending")}
    points = {
        **counts,
        "available": counts["available"] - ended,
        "expiring": [lot for lot in expiring if lot["on"] >= today],
        "pending_until": await _lots(tx, _WAITING, found.accounts.get("pending")),
    }
    return {
        "card": card,
        "card_status": found.status,
        "first_name": found.first_name,
        "tier": found.tier,
        "points": points,
        "donations": donations,
        "choices": [
            {"campaign": campaign, "beneficiary": beneficiary}
            for campaign, beneficiary in sorted(found.choices.items())
        ],
    }


async def _today(tx: Tx, store: str | None, now: datetime) -> date:
    """The date in the store, or in UTC where none is known."""
    zone = await tx.scalar(_ZONE_OF_STORE, {"store": store}) if store else None
    return now.astimezone(ZoneInfo(zone) if zone else UTC).date()


async def _lots(
    tx: Tx, query: TextClause, account: int | None, **more: date
) -> list[dict[str, Any]]:
    """Points of an account by day, as the answer shows them."""
    if account is None:
        return []
    rows = await tx.execute(query, {"shard": SHARD, "account": account, **more})
    return [{"on": on, "points": points} for on, points in rows]
