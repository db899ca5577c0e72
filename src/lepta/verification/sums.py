"""Whether the stored outcome of a sale adds up: within itself, and to what its entries booked."""

from collections.abc import Sequence
from typing import Any

from lepta.ledger.entries import Code
from lepta.processing.given import read_earned

Json = dict[str, Any]
Arrays = Sequence[Sequence[Any]]

_EARN, _REPAY, _REDEEM = int(Code.EARN), int(Code.REPAY), int(Code.REDEEM)
_EARNING = frozenset({_EARN, _REPAY})
_GIVING = slice(int(Code.GIVE_POINTS), int(Code.GIVE_OWN) + 1)
_NOTHING: tuple[Any, ...] = ()


def unequal_sums(
    outcome: Json, sums: Sequence[int], entries: Arrays, amounts: Sequence[int]
) -> str:
    """What does not add up, or to something else than was booked; nothing if all does.

    `sums`: of the entries by code; `amounts`: of the basket's lines.
    """
    earned, redeemed, given_away = _points(*outcome.get("points", _NOTHING))
    if sums[_REDEEM] != redeemed:
        return "points redeemed are not those booked"
    if redeemed and sum(outcome["line_redeemed"]) != redeemed:
        return "points redeemed by line are not those redeemed"
    return (
        _unequal_earned(outcome.get("earned", _NOTHING), earned, sums, entries, amounts)
        or _unequal_given(outcome.get("donations", _NOTHING), given_away, sums, amounts)
    )  # fmt: skip


def _points(
    earned: int = 0, _pending: int = 0, redeemed: int = 0, given: int = 0, *_: int
) -> tuple[int, int, int]:
    return earned, redeemed, given


def _unequal_earned(
    arrays: Arrays, earned: int, sums: Sequence[int], entries: Arrays, amounts: Sequence[int]
) -> str:
    if sums[_EARN] + sums[_REPAY] != earned or sum([array[1] for array in arrays]) != earned:
        return "points earned are not those booked"
    for array in arrays:
        if not _is_shared(array[1], array[3], array[4] if len(array) > 4 else _NOTHING, amounts):
            return "points earned by line are not those earned"
    if arrays and not _are_carried(arrays, amounts, entries):
        return "points of a campaign are not those of its entries"
    return ""


def _unequal_given(
    arrays: Arrays, given_away: int, sums: Sequence[int], amounts: Sequence[int]
) -> str:
    points = owed = collected = own = 0
    for _, _, given, total, _, funders, own_points, own_money, *rest in arrays:
        issued = sum([funder[2] for funder in funders if len(funder) > 2])
        share = sum([funder[1] for funder in funders])
        if share + own_money != total or issued + own_points != given:
            return "a donation is not the sum of its shares"
        at, by_line = [*rest[:2], _NOTHING, _NOTHING][:2]
        added = rest[3] if len(rest) > 3 else 0
        if not 0 <= added <= (share if own_points else 0):
            return "more was added to a gift of points than its funders bear"
        # One for the whole sale names no lines: what they carry follows from what they cost.
        if by_line if not at else not _is_shared(given or total, at, by_line, amounts):
            return "a donation by line is not what was given"
        points += issued
        owed += share
        collected += own_money
        own += own_points
    if [points, owed, collected, own] != [*sums[_GIVING]]:
        return "donations are not those booked"
    return "" if given_away == own else "points given away are not those donated"


def _is_shared(total: int, at: list[int], by_line: Sequence[int], amounts: Sequence[int]) -> bool:
    """Whether the lines `at` these positions share `total` out; if they say nothing, by what they cost."""
    if at[0] < 0 or at[-1] >= len(amounts) or (len(at) > 1 and at != sorted(set(at))):
        return False
    if not by_line:
        return len(at) == 1 or any(amounts[n] > 0 for n in at)
    return len(at) == len(by_line) and sum(by_line) == total and min(by_line) >= 0


def _are_carried(arrays: Arrays, amounts: Sequence[int], entries: Arrays) -> bool:
    """Whether the entries that carry earned points carry those of these campaigns, neither more nor less."""
    own = {leg: entry[2] for leg, entry in enumerate(entries) if entry[3] in _EARNING}
    if len(arrays) == 1:
        # All entries are its own: there is nothing to say.
        return not any(arrays[0][5:6])
    for each in read_earned(arrays, amounts, entries):
        if sum([points for _, points in each.legs]) != each.points:
            return False
        for leg, points in each.legs:
            if points <= 0 or points > own.get(leg, 0):
                return False
            own[leg] -= points
    return not any(own.values())
