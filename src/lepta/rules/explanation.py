"""Why a campaign fired or not: three small integers that are stored, and the sentence made of them at reading."""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

from lepta.money import EXPONENT


class Why(IntEnum):
    """Codes up to `GIFT` say what a campaign gave for, the others why it gave nothing.

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


class Reason(NamedTuple):
    """What is stored: the campaign's number in the rulebook, a `Why`, its argument (0: none)."""

    campaign: int
    code: int
    argument: int


def fired(code: int) -> bool:
    """Whether the campaign gave something."""
    return code <= Why.GIFT


_PLAIN = {
    Why.NOT_IN_SCHEDULE: "not in schedule",
    Why.OTHER_STORE: "another store",
    Why.NEEDS_CARD: "needs a card",
    Why.OTHER_CURRENCY: "another currency than the programme's",
    Why.BELOW_MIN_QUANTITY: "below min_quantity",
    Why.NO_WHOLE_UNIT: "not one whole unit",
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
}
_CUT = ", as far as the limits allow"


def because(
    code: int, argument: int, skus: Sequence[str], currency: str, name: Callable[[int], str]
) -> str:
    """One short sentence.

    `skus`: of the effect's lines, repeats allowed, empty if it did not fire; `currency` the sale's; `name`
    gives a campaign's id by its number (`Rulebook.name_of`).
    """
    why = Why(code)
    if why in _PLAIN:
        return _PLAIN[why]
    if why in _AMOUNTS:
        return _AMOUNTS[why].format(money(argument, currency))
    if why in _OTHERS:
        return _OTHERS[why].format(name(argument))
    one, many = _COUNTS[why]
    return (one if argument == 1 else many).format(argument, _skus(skus))


_COUNTS = {
    Why.UNITS: ("{} unit of {}", "{} units of {}"),
    Why.UNITS_CUT: ("{} unit of {}" + _CUT, "{} units of {}" + _CUT),
    Why.PRODUCTS: ("{} product: {}", "{} products: {}"),
    Why.PRODUCTS_CUT: ("{} product: {}" + _CUT, "{} products: {}" + _CUT),
    Why.BASE_POINTS: ("multiplies {} base point", "multiplies {} base points"),
    Why.BASE_POINTS_CUT: ("multiplies {} base point" + _CUT, "multiplies {} base points" + _CUT),
}
_OTHERS = {Why.OUTDONE: "{} gave more", Why.STOPPED: "stopped by {}"}
_AMOUNTS = {
    Why.AMOUNT: "{} of matching goods",
    Why.AMOUNT_CUT: "{} of matching goods" + _CUT,
    Why.GIFT: "the shopper gave {}",
    Why.BELOW_MIN_AMOUNT: "below min_amount with {} of matching goods",
    Why.OFFERED: "{} offered, not accepted",
    Why.OTHER_AMOUNT_TAKEN: "{} offered, another amount taken",
}


def _skus(skus: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(skus))
    shown = ", ".join(distinct[:3])
    more = f" and {len(distinct) - 3} more" if len(distinct) > 3 else ""
    return f"sku{'' if len(distinct) == 1 else 's'} {shown}{more}"


def money(amount_minor: int, currency: str) -> str:
    """Such as "259.00 RUB"; never negative here."""
    exponent = EXPONENT[currency]
    whole, rest = divmod(amount_minor, 10**exponent)
    return f"{whole}.{rest:0{exponent}d} {currency}" if exponent else f"{whole} {currency}"
