"""The service's decisions in the words of the simple model."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from lepta.processing.decide import Accepted, Decision, Published
from lepta.processing.given import Donation, read_donation
from lepta.processing.leaf import Recorded
from lepta.processing.motion import Movement
from lepta.processing.moving import Moved, Recalled
from lepta.processing.outcome import Balance
from lepta.processing.recognition import Refused, Repeated
from lepta.processing.reversed import Reversed

ZONE = timedelta(hours=7)
"""Of all stores: Asia/Novosibirsk has kept it since 2016."""


def told(decision: Decision) -> dict[str, Any]:
    """What the model calls the same."""
    match decision:
        case Refused(error):
            return {"refused": error.code, **members_of(error.members)}
        case Accepted(recorded):
            return recorded_told(recorded)
        case Repeated(recorded, _, voided):
            return _sale_told(recorded, again=True, voided=voided)
        case Published():
            return {"at": decision.log_index, "again": False}
        case Moved() | Recalled():
            return recorded_told(decision.movement, again=isinstance(decision, Recalled))


def recorded_told(recorded: Recorded | Movement, *, again: bool = False) -> dict[str, Any]:
    """An event that was recorded, or would be."""
    if isinstance(recorded, Movement):
        return {**_act_told(recorded), "at": recorded.log_index, "again": again}
    return _sale_told(recorded, again=again, voided=recorded.void is not None)


def members_of(members: dict[str, Any]) -> dict[str, Any]:
    """What a refusal tells, as far as the model does."""
    found: dict[str, Any] = {
        name: members[name] for name in ("redeemable", "because") if name in members
    }
    if "left" in members:
        found["left"] = [
            (one["line"], Fraction(one["quantity"]), one["amount"]) for one in members["left"]
        ]
    return found


def _sale_told(recorded: Recorded, *, again: bool, voided: bool) -> dict[str, Any]:
    outcome = recorded.outcome
    return {
        "card": outcome.card_status,
        "flags": sorted(outcome.flags),
        "to_pay": outcome.to_pay,
        "points": tuple(outcome.points),
        "earned": [
            (
                one.campaign,
                one.points,
                {line: part for line, part in zip(one.lines, one.by_line, strict=True) if part},
            )
            for one in outcome.earned
        ],
        "redeemed_by_line": list(outcome.redeemed_by_line),
        "donations": [_donation(one) for one in outcome.donations],
        "balance": _balance(outcome.balance),
        "voided": voided,
        "at": recorded.log_index,
        "again": again,
    }


def _donation(one: Donation) -> tuple[Any, ...]:
    funders = [tuple(funder) for funder in one.funders]
    return (one.campaign, one.points, one.money, one.units, funders, one.shopper_points, one.shopper_money)  # fmt: skip


def _balance(balance: Balance | None) -> Any:
    if balance is None:
        return None
    available, held, pending, days = balance
    return available, held, pending, [tuple(day) for day in days]


def _act_told(movement: Movement) -> dict[str, Any]:
    outcome = movement.outcome
    balance = _balance(Balance.read(outcome.get("balance")))
    match movement.kind:
        case "void" | "return":
            return _reversed_told(Reversed.of(outcome), sorted(outcome.get("flags", ())))
        case "hold":
            until = (
                datetime.fromtimestamp(outcome["expires_at"] / 1000, UTC).replace(tzinfo=None)
                + ZONE
            )
            return {"until": until, "balance": balance}
        case "release":
            return {"ended": outcome["ended"], "points": outcome["points"], "balance": balance}
        case "adjustment" | "transfer":
            return {"repaid": outcome.get("repaid", 0), "balance": balance}
        case "gift":
            return {
                "donations": [_donation(read_donation(outcome["donation"], ()))],
                "balance": balance,
            }
        case _:
            return dict(outcome)


def _reversed_told(back: Reversed, flags: list[str]) -> dict[str, Any]:
    donations = [
        (
            one.campaign, one.points, one.money, [tuple(funder) for funder in one.funders], one.shopper_points,
            one.shopper_money, one.kept,
        )
        for one in back.donations
    ]  # fmt: skip
    return {
        "clawed": back.clawed_back, "owed": back.owed, "shortfall": back.shortfall, "repaid": back.repaid,
        "lapsed": sum(points for _, points in back.lapsed), "renewed": sum(one.points for one in back.renewed),
        "restored": back.restored, "to_refund": back.to_refund,
        "donations": sorted(donations), "balance": _balance(back.balance), "flags": flags,
    }  # fmt: skip
