"""Voids and returns: each adds up by itself, and all of a sale together never take back more than it gave."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import asyncpg

from lepta.ledger.entries import Code
from lepta.processing import subjects
from lepta.processing.claiming import ClaimedPoints
from lepta.processing.given import Donation
from lepta.processing.proration import Goods, OverReturn
from lepta.processing.reversed import DonationBack, Reversed
from lepta.processing.state import Subject
from lepta.verification.clearing import check_reversed
from lepta.verification.fold import Fold
from lepta.verification.invariants import Check
from lepta.verification.report import Faults
from lepta.verification.source import SHARD

Json = dict[str, Any]
AT_ONCE = 256
"""Sales that are looked at together."""
_NOTHING: tuple[Any, ...] = ()
_END = 2**63 - 1


def unequal(document: Json) -> str:
    """What of a void's or return's outcome does not add up, or to something else than was booked; nothing if all does.

    `document`: the leaf and what lies beside it.
    """
    outcome = Reversed.of(document["outcome"])
    if outcome.void is not (document["kind"] == "void"):
        return "the outcome is of another kind of event"
    entries = document.get("entries", _NOTHING)
    sums: dict[int, int] = {}
    for _, _, amount, code in entries:
        sums[code] = sums.get(code, 0) + amount
    back = [each for each in outcome.donations if not each.kept]
    # What parties owe one another follows from the lots of the sale: see `clearing`.
    sums.pop(Code.CLEAR, 0)
    if sums != {code: amount for code, amount in _booked(outcome, back).items() if amount}:
        return "what was taken back is not what was booked"
    given = [[d.campaign, d.fund, -d.points, -d.money] for d in back]
    if [[g[0], g[1], *g[3:]] for g in document.get("given", _NOTHING)] != given:
        return "what standings lose is not what was taken back"
    if any(amount >= 0 for _, amount in document.get("used", _NOTHING)):
        return "limits are used, not released"
    return _unequal_shares(outcome, entries)


def unequal_claim(document: Json) -> str:
    """What of a claim's outcome is not what was booked; nothing if all is."""
    outcome = ClaimedPoints.of(document["outcome"])
    legs: dict[int, int] = {}
    for leg, points in (each for earned in outcome.by_campaign for each in earned.legs):
        legs[leg] = legs.get(leg, 0) + points
    entries = document.get("entries", _NOTHING)
    booked = {n: amount for n, (_, _, amount, _) in enumerate(entries)}
    if legs != booked or sum(booked.values()) != outcome.earned:
        return "points claimed are not those booked"
    if any(each.points != sum(each.by_line) for each in outcome.by_campaign):
        return "points claimed by line are not those claimed"
    return ""


def _booked(outcome: Reversed, back: Sequence[DonationBack]) -> Mapping[int, int]:
    """By code what the entries have to come to."""
    return {
        Code.CLAW_BACK: outcome.clawed_back,
        Code.RESTORE: outcome.restored,
        Code.REPAY: outcome.repaid,
        Code.UNGIVE_POINTS: sum(funder.points for d in back for funder in d.funders),
        Code.UNGIVE_MONEY: sum(funder.money for d in back for funder in d.funders),
        Code.UNCOLLECT: sum(d.shopper_money for d in back),
        Code.UNGIVE_OWN: sum(d.shopper_points for d in back),
    }


def _unequal_shares(outcome: Reversed, entries: Sequence[Any]) -> str:
    gone = outcome.clawed_back + outcome.shortfall + sum(points for _, points in outcome.lapsed)
    if sum(each.points for each in outcome.earned) != gone or outcome.owed > outcome.clawed_back:
        return "points taken back are not those of the campaigns"
    for each in outcome.donations:
        points = sum(funder.points for funder in each.funders) + each.shopper_points
        money = sum(funder.money for funder in each.funders) + each.shopper_money
        if (points, money) != (each.points, each.money):
            return "a donation taken back is not the sum of its shares"
    renewed: dict[int, int] = {}
    for one in outcome.renewed:
        renewed[one.leg] = renewed.get(one.leg, 0) + one.points
    if any(entries[leg][2] != points for leg, points in renewed.items()):
        return "points that came back to lots that had ended are not those of the new lots"
    return ""


async def check_reversals(connection: asyncpg.Connection, fold: Fold, faults: Faults) -> None:
    """Look at every sale of which something was taken back, with all that was."""
    sales = iter(sorted({sale for sale, _ in fold.reversals}))
    while together := set(islice(sales, AT_ONCE)):
        for index, subject in (await subjects.read(connection, SHARD, together, _END)).items():
            for place, what in _excess(index, subject):
                faults.event(Check.REVERSALS, place, what)
            check_reversed(subject, fold.cleared, fold.accounts, faults)


def _excess(index: int, subject: Subject) -> Iterator[tuple[int, str]]:
    """Where too much was taken back, and of what."""
    sold, undone = subject.recorded, subject.undone
    early = [one.log_index for one in undone if not one.about]
    if early or sold.void is not None:
        if early != [sold.void] or len(undone) > 1:
            yield index, "is void by another event than it names, or not by that alone"
        return
    goods, past = Goods.of(sold.event), []
    for movement in undone:
        outcome = Reversed.of(movement.outcome)
        past.append(outcome)
        try:
            goods.void() if outcome.void else goods.bring(outcome.lines, outcome.total)
        except OverReturn:
            yield movement.log_index, "brings back more goods than were left of the sale"
            return
        fault = _over(subject, past)
        if fault:
            yield movement.log_index, f"takes back more {fault} than the sale gave"
            return
        if movement.about != (index,):
            yield movement.log_index, "is about another sale"


def _over(subject: Subject, past: Sequence[Reversed]) -> str:
    """What was taken back beyond what the sale gave; nothing if all is within."""
    outcome = subject.recorded.outcome
    if sum(one.restored for one in past) > outcome.points.redeemed:
        return "redeemed points"
    claim = subject.claimed
    by_claim = ClaimedPoints.of(claim.movement.outcome).by_campaign if claim else ()
    gave = (*outcome.earned, *by_claim)
    earned = {(e.campaign, leg): points for e in gave for leg, points in e.legs}
    for campaign, legs in (each for one in past for each in one.earned):
        for leg, points in legs:
            earned[campaign, leg] = earned.get((campaign, leg), 0) - points
    if any(left < 0 for left in earned.values()):
        return "earned points"
    left = {donation.campaign: _amounts(donation) for donation in outcome.donations}
    for back in (each for one in past for each in one.donations if not each.kept):
        had = left.get(back.campaign, [-1])
        left[back.campaign] = [a - b for a, b in zip(had, _amounts(back), strict=True)]
    return "of a donation" if any(min(amounts) < 0 for amounts in left.values()) else ""


def _amounts(gift: Donation | DonationBack) -> list[int]:
    """Everything that may not fall below 0: of the whole, of each funder, and of the shopper."""
    shares = [amount for funder in gift.funders for amount in (funder.points, funder.money)]
    return [gift.points, gift.money, *shares, gift.shopper_points, gift.shopper_money]
