"""What comes back when the day is over: some sales are voided, of some a line is returned, and one return names no sale."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from lepta.demo.office import DemoRefused
from lepta.demo.tills import Till
from lepta.demo.totals import Answer
from lepta.demo.traffic import Counter, Receipt
from lepta.replay import send

VOIDED_OF = 97
RETURNED_OF = 23
_NAME = ("store", "till", "business_day", "sequence")


@dataclass(frozen=True, slots=True)
class Wish:
    """A void or a return as a till will send it, and the sale that it is about."""

    kind: str
    body: dict[str, Any]
    sale: Receipt | None


@dataclass(frozen=True, slots=True)
class Comeback:
    """What became of it."""

    wish: Wish
    answer: Answer


def wishes(day: Sequence[Receipt]) -> list[Wish]:
    """What of the day comes back: each sale once at most, the same ones in every run."""
    voided = [Wish("void", _named(sale), sale) for sale in day[7::VOIDED_OF]]
    gone = {id(wish.sale) for wish in voided}
    returned = [
        Wish("return", _return(sale, _named(sale)), sale)
        for sale in day[::RETURNED_OF]
        if id(sale) not in gone and _may_return(sale)
    ]
    nobodys = [Wish("return", _return(wish.sale, None), None) for wish in returned[:1] if wish.sale]
    return [*voided, *returned, *nobodys]


def _named(sale: Receipt) -> dict[str, Any]:
    return {part: sale.body[part] for part in _NAME}


def _may_return(sale: Receipt) -> bool:
    """Only sales without a line that took something back itself."""
    amounts: list[int] = [line["amount"] for line in sale.body["lines"]]
    return min(amounts) >= 0 and amounts[0] > 0


def _return(sale: Receipt, original: dict[str, Any] | None) -> dict[str, Any]:
    """All of the first line, as the sale's own till takes it back."""
    line = sale.body["lines"][0]
    back = {part: line[part] for part in ("line", "quantity", "amount")}
    body = {
        **_named(sale),
        "occurred_at": sale.body["occurred_at"],
        "original": original,
        "lines": [back],
        "total": line["amount"],
        "offline": True,
    }
    # A return of its own needs a name of its own.
    return body if original else {**body, "sequence": 1_000_000 + sale.body["sequence"]}


async def bring_back(
    counter: Counter, wanted: Sequence[Wish], done: Callable[[int], None]
) -> list[Comeback]:
    """Send them one after the other: whether points are still there may depend on the order."""
    back = []
    for wish in wanted:
        key = counter.keys[Till(wish.body["store"], wish.body["till"])]
        path = f"/v1/{wish.kind}s"
        headers = {"Authorization": f"Bearer {key}"}
        sent = await send(counter.client, path, orjson.dumps(wish.body), headers)
        if sent.response.status_code not in {200, 201}:
            raise DemoRefused(f"POST {path}", sent.response)
        back.append(Comeback(wish, sent.response.json()))
        done(1)
    return back
