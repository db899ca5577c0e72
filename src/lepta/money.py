"""Exact arithmetic for money, points and quantities: integers, ratios and how they round.

Amounts are integers in minor units of a currency, points integers in a programme's smallest unit,
quantities integers in millionths. No float touches any of them.
"""

import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

# ISO 4217 "minor unit" column (https://www.iso.org/iso-4217-currency-codes.html).
EXPONENT = {
    "AMD": 2, "AZN": 2, "BYN": 2, "CNY": 2, "EUR": 2, "GBP": 2, "GEL": 2, "INR": 2, "JPY": 0,
    "KGS": 2, "KRW": 0, "KWD": 3, "KZT": 2, "MDL": 2, "PLN": 2, "RSD": 2, "RUB": 2, "TJS": 2,
    "TRY": 2, "UAH": 2, "USD": 2, "UZS": 2, "VND": 0,
}  # fmt: skip

MICRO = 1_000_000
"""Quantities are held in millionths: 0.345 kg is 345,000."""

_DECIMAL = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,6}))?\Z", re.ASCII)


class Rounding(Enum):
    """What happens to the part of a unit that is left over. Amounts are never negative here."""

    DOWN = "down"
    HALF_UP = "half-up"
    HALF_EVEN = "half-even"
    UP = "up"


class Ratio(NamedTuple):
    """An exact non-negative rate: numerator over denominator."""

    numerator: int
    denominator: int


ONE = Ratio(1, 1)


def ratio(text: str) -> Ratio:
    """The ratio that a decimal string says: "0.10" is 10/100, kept unreduced.

    Raises `ValueError` for anything but up to 12 digits and up to 6 decimals, without a sign.
    """
    match = _DECIMAL.match(text)
    if not match or match[1]:
        raise ValueError(f'write a decimal such as "0.01", not {text!r}')
    decimals = match[3] or ""
    return Ratio(int(match[2] + decimals), int(10 ** len(decimals)))


def micro(text: str) -> int:
    """A decimal string as an integer in millionths; raises `ValueError` as `ratio` does, sign allowed."""
    match = _DECIMAL.match(text)
    if not match:
        raise ValueError(f'write a decimal such as "1" or "0.345", not {text!r}')
    value = int(match[2]) * MICRO + int((match[3] or "").ljust(6, "0"))
    return -value if match[1] else value


def divide(numerator: int, denominator: int, rounding: Rounding = Rounding.DOWN) -> int:
    """`numerator / denominator` as an integer; both non-negative, the denominator positive."""
    assert numerator >= 0, numerator
    assert denominator > 0, denominator
    whole, rest = divmod(numerator, denominator)
    if not rest:
        return whole
    match rounding:
        case Rounding.DOWN:
            return whole
        case Rounding.UP:
            return whole + 1
        case Rounding.HALF_UP:
            return whole + (2 * rest >= denominator)
        case Rounding.HALF_EVEN:
            return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Parts of `amount` in proportion to `weights` that add up to exactly the whole.

    The largest remainders get the spare units; ties go to the earlier part, so that the same input
    always splits the same way. Weights are non-negative and not all zero, `amount` is non-negative.
    """
    total = sum(weights)
    assert total > 0, weights
    assert amount >= 0, amount
    parts, remainders, spare = [], [], amount
    for weight in weights:
        part, remainder = divmod(amount * weight, total)
        parts.append(part)
        remainders.append(remainder)
        spare -= part
    if spare:
        # Sorting is stable, reversed too: of equal remainders the earlier comes first.
        largest = sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)
        for i in largest[:spare]:
            parts[i] += 1
    return parts


def common_weights(shares: Sequence[Ratio]) -> list[int]:
    """Shares as integer weights over one denominator: 0.6 and 0.4 are [6, 4] × a common factor."""
    denominator = 1
    for share in shares:
        denominator = max(denominator, share.denominator)
    return [share.numerator * (denominator // share.denominator) for share in shares]
