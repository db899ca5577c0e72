"""Why a campaign fired or not: three small integers that are stored, and the sentence made of them at reading."""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

from lepta.money import EXPONENT


class Why(IntEnum):
    """Codes below `NOT_IN_SCHEDULE` say what a campaign gave for, the others why it gave nothing.

    They are stored: never renumber one. What the reason's argument is stands beside each.
    """

    UNITS = 1
    """Units given for."""
    UNITS_CUT = 2
    """Units given for; the basket had more."""
    PRODUCTS = 3
    """Products given for."""
    PRODUCTS_CUT = 4
    """Products bought; a limit left less than they were worth."""
    AMOUNT = 5
    """Matching amount, minor units."""
    AMOUNT_CUT = 6
    """Matching amount, minor units; a limit left less than it was worth."""
    BASE_POINTS = 7
    """Base points on the matching lines."""
    BASE_POINTS_CUT = 8
    """Base points on the matching lines; a limit left less."""
    GIFT = 9
    """What the shopper gave, minor units."""

    GIFT_MATCHED = 13
    """What the shopper gave, minor units; others added to it."""
    GIFT_MATCH_CUT = 14
    """What the shopper gave, minor units; others added less than they would."""

    POINTS_GIFT = 15
    """What the shopper gave, smallest points."""

    GIFT_UNMATCHED = 16
    """What the shopper gave, minor units; others would add to it, and their budgets do not allow it any more."""

    POINTS_GIFT_MATCHED = 17
    """What the shopper gave, smallest points; others added money to it."""
    POINTS_GIFT_MATCH_CUT = 18
    """What the shopper gave, smallest points; others added less money than they would."""
    POINTS_GIFT_UNMATCHED = 19
    """What the shopper gave, smallest points; others would add money, and their budgets do not allow it any more."""

    NOT_IN_SCHEDULE = 20
    OTHER_STORE = 21
    NEEDS_CARD = 22
    OTHER_CURRENCY = 23
    BELOW_MIN_QUANTITY = 24
    BELOW_MIN_AMOUNT = 25
    """Matching amount, minor units."""
    NO_WHOLE_UNIT = 26
    NOTHING_TO_GIVE = 27
    NO_BASE_POINTS = 28
    NO_CHOICE = 29
    CARD_LIMIT = 30
    CARD_DAY_LIMIT = 31
    UNITS_EXHAUSTED = 32
    BUDGET_EXHAUSTED = 33
    FUNDER_EXHAUSTED = 34
    OUTDONE = 35
    """Number of the campaign that gave more."""
    STOPPED = 36
    """Number of the campaign that stopped the group."""
    OFFERED = 37
    """What was offered, minor units."""
    ALREADY_ROUND = 38
    OTHER_AMOUNT_TAKEN = 39
    """What was offered, minor units."""
    TOO_LARGE = 40
    BASKET_LIMIT = 41
    OTHER_TIER = 42
    NOT_IN_SEGMENTS = 43
    IN_EXCLUDED_SEGMENT = 44
    HELD_OUT = 45
    NOT_BIRTHDAY = 46
    NOTHING_FOR_TIER = 47

    VISIT_LIMIT = 50
    NOT_FIRST_SALE = 51
    VISIT_UNDER_WAY = 52
    OTHER_VISIT = 53
    """Which visit of the shopper it is."""
    NOT_ENOUGH_POINTS = 60
    POINTS_OFFERED = 61
    """What was offered, smallest points."""
    OTHER_POINTS_TAKEN = 62
    """What was offered, smallest points."""
    FUND_CLOSED = 63

    CONDITION_FALSE = 70
    CONDITION_UNKNOWN = 71

    NO_WHOLE_SET = 75
    OTHER_GOODS_MISSING = 76

    CARD_CAPPED = 80


class Reason(NamedTuple):
    """What is stored: the campaign's number in the rulebook, a `Why`, its argument (0: none)."""

    campaign: int
    code: int
    argument: int


def is_matched(code: int) -> bool:
    """Whether others added to the shopper's gift all that they would."""
    return code in _MATCHED


def fired(code: int) -> bool:
    """Whether the campaign gave something."""
    return code < _FIRST_REFUSED


_FIRST_REFUSED = int(Why.NOT_IN_SCHEDULE)
_MATCHED = frozenset({int(Why.GIFT_MATCHED), int(Why.POINTS_GIFT_MATCHED)})
_CUT = ", as far as the limits allow"
_COUNTS: dict[int, tuple[str, str]] = {
    Why.UNITS: ("{} unit of {}", "{} units of {}"),
    Why.UNITS_CUT: ("{} unit of {}" + _CUT, "{} units of {}" + _CUT),
    Why.PRODUCTS: ("{} product: {}", "{} products: {}"),
    Why.PRODUCTS_CUT: ("{} product: {}" + _CUT, "{} products: {}" + _CUT),
    Why.BASE_POINTS: ("multiplies {} base point", "multiplies {} base points"),
    Why.BASE_POINTS_CUT: ("multiplies {} base point" + _CUT, "multiplies {} base points" + _CUT),
}
_AMOUNTS: dict[int, str] = {
    Why.AMOUNT: "{} of matching goods",
    Why.AMOUNT_CUT: "{} of matching goods" + _CUT,
    Why.GIFT: "the shopper gave {}",
    Why.GIFT_MATCHED: "the shopper gave {}, matched",
    Why.GIFT_MATCH_CUT: "the shopper gave {}, matched as far as the budget allows",
    Why.GIFT_UNMATCHED: "the shopper gave {}, not matched: the budget does not allow it",
    Why.BELOW_MIN_AMOUNT: "below min_amount with {} of matching goods",
    Why.OFFERED: "{} offered, not accepted",
    Why.OTHER_AMOUNT_TAKEN: "{} offered, another amount taken",
}
_NUMBERS: dict[int, str] = {
    Why.OTHER_VISIT: "not on visit {}",
    Why.POINTS_GIFT: "the shopper gave points: {}",
    Why.POINTS_GIFT_MATCHED: "the shopper gave points: {}, matched",
    Why.POINTS_GIFT_MATCH_CUT: "the shopper gave points: {}, matched as far as the budget allows",
    Why.POINTS_GIFT_UNMATCHED: "the shopper gave points: {}, not matched: the budget does not allow it",
    Why.POINTS_OFFERED: "points offered, not accepted: {}",
    Why.OTHER_POINTS_TAKEN: "points offered: {}, another number taken",
}
_OTHERS: dict[int, str] = {Why.OUTDONE: "{} gave more", Why.STOPPED: "stopped by {}"}
_PLAIN: dict[int, str] = {
    Why.NOT_IN_SCHEDULE: "not in schedule",
    Why.OTHER_STORE: "another store",
    Why.NEEDS_CARD: "needs a card",
    Why.OTHER_CURRENCY: "another currency than the programme's",
    Why.BELOW_MIN_QUANTITY: "below min_quantity",
    Why.NO_WHOLE_UNIT: "not one whole unit",
    Why.NO_WHOLE_SET: "not one full set of units",
    Why.OTHER_GOODS_MISSING: "not without the goods of what.beside",
    Why.NOTHING_TO_GIVE: "too little for anything to give",
    Why.NO_BASE_POINTS: "no base points to multiply",
    Why.NO_CHOICE: "no beneficiary chosen",
    Why.CARD_LIMIT: "limit per card reached",
    Why.CARD_DAY_LIMIT: "limit per card and day reached",
    Why.UNITS_EXHAUSTED: "limit of units reached",
    Why.BUDGET_EXHAUSTED: "budget exhausted",
    Why.FUNDER_EXHAUSTED: "a funder's budget exhausted",
    Why.ALREADY_ROUND: "the amount due is round already",
    Why.TOO_LARGE: "the figures are too large",
    Why.BASKET_LIMIT: "limit per basket leaves nothing",
    Why.OTHER_TIER: "another tier",
    Why.NOT_IN_SEGMENTS: "in none of its segments",
    Why.IN_EXCLUDED_SEGMENT: "in a segment that it leaves out",
    Why.HELD_OUT: "held out: in its control group",
    Why.NOTHING_FOR_TIER: "nothing for the shopper's tier",
    Why.NOT_BIRTHDAY: "not around the birthday",
    Why.CONDITION_FALSE: "its condition does not hold",
    Why.CONDITION_UNKNOWN: "its condition needs what is not known of the sale",
    Why.FUND_CLOSED: "the fund is closed",
    Why.NOT_ENOUGH_POINTS: "the shopper has not enough points",
    Why.CARD_CAPPED: "the card's use is suspicious, so it earns nothing",
    Why.VISIT_LIMIT: "given on this visit already",
    Why.NOT_FIRST_SALE: "not the member's first sale",
    Why.VISIT_UNDER_WAY: "not the first sale of the visit",
}


def because(
    code: int, argument: int, skus: Sequence[str], currency: str, name: Callable[[int], str]
) -> str:
    """One short sentence.

    `skus`: of the effect's lines, repeats allowed, empty if it did not fire; `currency` the sale's; `name`
    gives a campaign's id by its number (`Rulebook.name_of`).
    """
    # Looked up by the plain number: to make a `Why` of it would take as long as the sentence.
    if code in _COUNTS:
        return counted(code, argument, skus)
    if code in _AMOUNTS:
        return _AMOUNTS[code].format(money(argument, currency))
    if code in _NUMBERS:
        return _NUMBERS[code].format(argument)
    if code in _OTHERS:
        return _OTHERS[code].format(name(argument))
    return _PLAIN[code]


def is_counted(code: int) -> bool:
    """Whether the sentence is a `counted` one, of a number and of goods; the others have no use for SKUs."""
    return code in _COUNTS


def counted(code: int, argument: int, skus: Sequence[str]) -> str:
    """The sentence `because` of a code that `is_counted`; it depends on nothing else."""
    one, many = _COUNTS[code]
    return (one if argument == 1 else many).format(argument, _skus(skus))


def _skus(skus: Sequence[str]) -> str:
    if len(skus) == 1:
        return f"sku {skus[0]}"
    distinct = list(dict.fromkeys(skus))
    shown = ", ".join(distinct[:3])
    more = f" and {len(distinct) - 3} more" if len(distinct) > 3 else ""
    return f"sku{'' if len(distinct) == 1 else 's'} {shown}{more}"


def money(amount_minor: int, currency: str) -> str:
    """Such as "259.00 RUB"; never negative here."""
    unit, written = _WRITTEN[currency]
    return written.format(*divmod(amount_minor, unit))


def _written(currency: str, exponent: int) -> tuple[int, str]:
    """Minor units in a major one, and how whole and rest are written; a rest that is always 0 is not."""
    rest = f".{{:0{exponent}d}}" if exponent else ""
    return 10**exponent, f"{{}}{rest} {currency}"


_WRITTEN = {currency: _written(currency, exponent) for currency, exponent in EXPONENT.items()}
