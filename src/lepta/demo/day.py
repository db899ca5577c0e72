"""The day of real baskets and its products, as they lie packed in `data/`."""

import csv
import io
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple

# The times of the data look like UTC, its stores trade from seven to nineteen six hours west of it. Our
# stores keep those hours, each in its own zone.
UTC_TO_STORE_TIME = timedelta(hours=-6)


class Line(NamedTuple):
    """What was bought: a decimal quantity as text, the amount in minor units after discounts."""

    product: str
    quantity: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Basket:
    """One visit to a till. `at` is the clock on the store's wall, without a zone."""

    number: int
    household: int
    store: str
    at: datetime
    lines: tuple[Line, ...]

    @property
    def total_minor(self) -> int:
        """What it cost, in minor units."""
        return sum(line.amount_minor for line in self.lines)


class Product(NamedTuple):
    """One row of the catalogue, in the words of the data; any text may be empty."""

    product: str
    department: str
    brand: str
    category: str
    type: str
    size: str


def _rows(name: str) -> Iterator[dict[str, str]]:
    packed = (files("lepta.demo") / "data" / name).read_bytes()
    return csv.DictReader(io.StringIO(lzma.decompress(packed).decode()))


@cache
def baskets() -> tuple[Basket, ...]:
    """All 645 baskets in the order of their times, ties by number."""
    lines: dict[int, list[Line]] = {}
    heads: dict[int, tuple[int, str, datetime]] = {}
    for row in _rows("baskets.csv.xz"):
        number = int(row["basket"])
        at = datetime.fromisoformat(row["at"]) + UTC_TO_STORE_TIME
        heads[number] = (int(row["household"]), row["store"], at)
        bought = Line(row["product"], row["quantity"], int(row["amount_minor"]))
        lines.setdefault(number, []).append(bought)
    found = [Basket(number, *heads[number], tuple(lines[number])) for number in heads]
    return tuple(sorted(found, key=lambda basket: (basket.at, basket.number)))


@cache
def products() -> dict[str, Product]:
    """The catalogue by number. Two products of the day are missing from it, as happens."""
    return {row["product"]: Product(**row) for row in _rows("products.csv.xz")}
