"""Requests ready to be sent: each a distinct sale, put together from prepared parts. `sales.lua` does the same."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lepta.bench.assortment import (
    CURRENCY,
    HOT_SHARE,
    HOT_VISITS_PERCENT,
    OFFSET,
    Basket,
    card,
)

PATH = "/v1/checkouts"
OFFSET_S = 7 * 3600
"""`OFFSET` in seconds."""
SEQUENCES_PER_RUN = 10_000_000


@dataclass(frozen=True, slots=True)
class Till:
    """A cash register and its key."""

    store: str
    till: str
    key: str


@dataclass(frozen=True, slots=True)
class Mix:
    """What a run sends: which cards, and from which sequence on."""

    members: int
    business_day: str
    first_sequence: int

    @property
    def regulars(self) -> int:
        """How many members come again and again."""
        return max(1, self.members // HOT_SHARE)


def fragment(basket: Basket) -> str:
    """What of a body a basket fixes: from its currency to its total."""
    lines = ",".join(
        f'{{"line":{number},"sku":"{line.sku}","quantity":"{line.quantity}","amount":{line.amount}}}'
        for number, line in enumerate(basket.lines, start=1)
    )
    total = sum(line.amount for line in basket.lines)
    redeem = ',"redeem":{"max":true}' if basket.redeems else ""
    return f'"currency":"{CURRENCY}","lines":[{lines}],"total":{total}{redeem}'


def write_parts(folder: Path, tills: Sequence[Till], baskets: Sequence[Basket]) -> None:
    """Leave in `folder` what both clients read: a till a line, and a basket a line."""
    rows = [f"{till.store}\t{till.till}\t{till.key}\n" for till in tills]
    (folder / "tills.tsv").write_text("".join(rows), encoding="ascii")
    parts = [f"{'F' if basket.fiscal else '-'}{fragment(basket)}\n" for basket in baskets]
    (folder / "baskets.txt").write_text("".join(parts), encoding="ascii")


class Sales:
    """An endless row of sales for one client."""

    def __init__(self, folder: Path, host: str, mix: Mix) -> None:
        rows = (folder / "tills.tsv").read_text(encoding="ascii").splitlines()
        self._tills = [Till(*row.split("\t")) for row in rows]
        self._baskets = (folder / "baskets.txt").read_text(encoding="ascii").splitlines()
        self._host = host
        self._mix = mix
        self._count = 0
        self._random = random.Random(mix.first_sequence)  # noqa: S311 - nobody must not guess it

    def next(self) -> bytes:
        """The next request, whole: head and body."""
        number, tills = self._count, len(self._tills)
        self._count += 1
        till = self._tills[number % tills]
        sequence = self._mix.first_sequence + number // tills
        body = self._body(till, sequence, self._baskets[number % len(self._baskets)])
        return (
            f"POST {PATH} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {till.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode("ascii")

    def _body(self, till: Till, sequence: int, basket: str) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + OFFSET_S))
        fiscal = ""
        if basket[0] == "F":
            drive = f"{till.store}{till.till}".replace("-", "")
            fiscal = f',"fiscal":{{"fn":"{drive}","i":{sequence},"fp":"{sequence}"}}'
        return (
            f'{{"store":"{till.store}","till":"{till.till}","business_day":"{self._mix.business_day}",'
            f'"sequence":{sequence},"occurred_at":"{at}{OFFSET}","card":"{self._card()}",'
            f"{basket[1:]}{fiscal}}}"
        )

    def _card(self) -> str:
        regular = self._random.random() * 100 < HOT_VISITS_PERCENT
        most = self._mix.regulars if regular else self._mix.members
        return card(self._random.randint(1, most))
