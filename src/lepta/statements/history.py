"""What happened on a card owner's account. Reads only; it is for the endpoints behind a key."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import text

from lepta.db import Tx
from lepta.ledger.entries import RELEASE
from lepta.processing.beside import Beside
from lepta.processing.claiming import ClaimedPoints
from lepta.processing.given import read_donation
from lepta.processing.leaf import Leaf, Recorded
from lepta.processing.motion import Movement
from lepta.processing.reversed import Reversed
from lepta.statements.cards import SHARD, Wanted, holder
from lepta.statements.mergers import all_refs

Json = dict[str, Any]

_EVENTS = """
    CROSS JOIN LATERAL (
        SELECT log_index FROM {table}
        WHERE shard = :shard AND member = k.member AND log_index < :before ORDER BY log_index DESC LIMIT :most
    ) e
"""
_HISTORY = text(f"""
    SELECT leaf, beside FROM event WHERE shard = :shard AND log_index IN (
        SELECT e.log_index FROM unnest(CAST(:members AS integer[])) AS k (member) {_EVENTS.format(table="event")}
        UNION ALL
        SELECT e.log_index FROM unnest(CAST(:members AS integer[])) AS k (member)
        {_EVENTS.format(table="second_member")}
    ) ORDER BY log_index DESC LIMIT :most
""")  # noqa: S608 - nothing but the text above is put in
_ACCOUNTS = text("""
    SELECT id FROM account WHERE shard = :shard AND ref = ANY(:refs) AND kind = 'member' AND code = 'available'
        AND asset = (SELECT asset FROM account WHERE shard = :shard AND id = :account)
""")
POINTS = (
    "earned", "pending", "redeemed", "given", "shortfall", "owed", "matured", "expired",
    "adjusted", "transferred", "held",
)  # fmt: skip
"""Of every event, smallest units. What was given or taken before and is undone stands below 0."""


async def history(tx: Tx, card: str, wanted: Wanted, after: int | None, limit: int) -> Json:
    """The card owner's events, those of members merged into them included, the newest first; `next` goes on where this page ends, None at the end."""
    found = await holder(tx, card, wanted)
    if found.account is None:
        return {"items": [], "next": None}
    refs = await all_refs(tx, found.ref)
    accounts = await tx.execute(_ACCOUNTS, {"shard": SHARD, "refs": refs, "account": found.account})
    where = {
        "shard": SHARD,
        "members": list(accounts.scalars()),
        "before": 2**62 if after is None else after,
        "most": limit + 1,
    }
    items = [_item(row.leaf, row.beside, refs) for row in await tx.execute(_HISTORY, where)]
    shown = items[:limit]
    more = len(items) > limit
    return {"items": shown, "next": str(shown[-1]["log_index"]) if more else None}


def _item(leaf: bytes, beside: bytes, refs: Collection[str]) -> Json:
    lying = Beside(beside)
    read = Leaf(leaf, lying.content)
    if read.kind == "checkout":
        points, donations = _of_sale(Recorded.of(read, lying))
        points["held"] = -sum(p.amount for p in read.postings[:1] if p.code == RELEASE)
    elif read.kind == "transfer":
        points, donations = _of_transfer(Movement.of(read, lying), refs), []
    else:
        shape = _SHAPES.get(read.kind, _of_other)
        points, donations = shape(Movement.of(read, lying))
    return {
        "log_index": read.index,
        "kind": read.kind,
        "occurred_at": read.occurred_at,
        "store": read.key.store if "till" in read.document else None,
        "points": {**dict.fromkeys(POINTS, 0), **points},
        "donations": donations,
    }


def _of_sale(sale: Recorded) -> tuple[Json, list[Json]]:
    outcome = sale.outcome
    donations = [_donation(d.campaign, d.fund, d.points, d.money) for d in outcome.donations]
    return outcome.points._asdict(), donations


def _of_reversal(movement: Movement) -> tuple[Json, list[Json]]:
    back = Reversed.of(movement.outcome)
    gone = [one for one in back.donations if not one.kept]
    points = {
        "earned": -back.clawed_back,
        "redeemed": -back.restored,
        "given": -sum(one.shopper_points for one in gone),
        "shortfall": back.shortfall,
        "owed": back.owed,
    }
    donations = [_donation(one.campaign, one.fund, -one.points, -one.money) for one in gone]
    return points, donations


def _of_lots(movement: Movement) -> tuple[Json, list[Json]]:
    outcome = movement.outcome
    return {"matured": outcome.get("mature", 0), "expired": outcome.get("expire", 0)}, []


def _of_adjustment(movement: Movement) -> tuple[Json, list[Json]]:
    return {"adjusted": movement.request["points"]}, []


def _of_transfer(movement: Movement, refs: Collection[str]) -> Json:
    """As the member sees it: who leaves points to another one, or gets them, or by now is both."""
    got, left = movement.facts["to"] in refs, movement.facts["member"] in refs
    return {"transferred": movement.request["points"] * (got - left)}


def _of_claim(movement: Movement) -> tuple[Json, list[Json]]:
    claimed = ClaimedPoints.of(movement.outcome)
    return {"earned": claimed.earned, "pending": claimed.pending}, []


def _of_hold(movement: Movement) -> tuple[Json, list[Json]]:
    return {"held": movement.request["points"]}, []


def _of_release(movement: Movement) -> tuple[Json, list[Json]]:
    return {"held": -movement.outcome["points"]}, []


def _of_gift(movement: Movement) -> tuple[Json, list[Json]]:
    given = read_donation(movement.outcome["donation"], ())
    donation = _donation(given.campaign, given.fund, given.points, given.money)
    return {"given": given.shopper_points}, [donation]


def _of_other(_movement: Movement) -> tuple[Json, list[Json]]:
    return {}, []


_SHAPES: Mapping[str, Callable[[Movement], tuple[Json, list[Json]]]] = {
    "void": _of_reversal,
    "return": _of_reversal,
    "lots": _of_lots,
    "adjustment": _of_adjustment,
    "gift": _of_gift,
    "claim": _of_claim,
    "hold": _of_hold,
    "release": _of_release,
}


def _donation(campaign: str, fund: str, points: int, money: int) -> Json:
    return {"campaign": campaign, "fund": fund, "points": points, "money": money}
