"""Rulebooks published long ago: changes as they were stored, and what was decided by them.

Nothing in the file may ever change: databases hold such changes, and every later version of Lepta has to read them
and to decide by them as this one does. `python tests/published.py` appends the campaigns of the documentation
that are not in it yet.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

import make_rules as make
import pages
from lepta.rules.effects import Donate
from lepta.rules.facts import Facts, Shopper
from lepta.rules.rulebook import EMPTY, Change, PublishedCampaign, PublishedProgramme, Rulebook

FILE = Path(__file__).parent / "unit" / "published.ndjson"

_BASKET = (
    make.line(),
    make.line("tea", 19_900, "3", categories=["tea", "drinks"], brand="taiga"),
    make.line("bread", 4_550, "1", categories=["bread"]),
    make.line("coffee", 75_000, "2", categories=["coffee"]),
    make.line("bag-jute", 2_990, "1"),
    make.line("own-tea", 32_000, "4", categories=["tea"], brand="own-label"),
    make.line("milk", 9_990, "2", categories=["milk", "dairy"]),
    make.line("yoghurt", 17_700, "6", categories=["yoghurt"]),
    make.line("dumplings", 25_900, "1"),
    make.line("cheese", 61_234, "0.745", categories=["dairy"], brand="dairy-farm"),
)
_SHOPPER = Shopper("ref-1", "gold", ("families", "students"), 400, ((3, 3),))


def sales(names: Iterable[str]) -> Iterator[Facts]:
    """With a card and every offer accepted; at noon on the first of a month elsewhere; without a card."""
    yield make.facts(*_BASKET, shopper=_SHOPPER, gifts=tuple(map(make.gift, names)))
    noon = datetime(2026, 12, 1, 12, 0, 5, tzinfo=make.NOVOSIBIRSK)
    yield make.facts(*_BASKET, shopper=_SHOPPER, at=noon, store=make.store(region="altai"))
    yield make.facts(*_BASKET, card=False)


def decided(book: Rulebook, change: bytes) -> list[Any]:
    """What the campaigns of a change do with each of the sales: effects, why each fired or not, what it consumes."""
    told, names = [], [item.get("campaign", "") for item in orjson.loads(change)["items"]]
    for sale in sales(names):
        result = make.outcome(book, sale, {"club|visits|ref-1": 2}, points=150, is_first=True)
        effects = [
            [e.campaign, e.points, e.money_minor if isinstance(e, Donate) else 0, [[f.party, f.points, f.money_minor] for f in e.funders]]
            for e in result.effects
            if e.campaign in names
        ]  # fmt: skip
        reasons = [
            [name, code, argument]
            for number, code, argument in result.reasons
            if (name := book.name_of(number)) in names
        ]
        used = [use for use in result.consumed if use[0].split("|")[0] in names]
        told.append([effects, reasons, used])
    return list(orjson.loads(orjson.dumps(told)))


def stored() -> list[Any]:
    """The lines of the file: each a change, the digest after it, and what was decided then."""
    return [orjson.loads(line) for line in FILE.read_bytes().splitlines()]


def append() -> None:
    """Publish what the documentation shows and the file has not."""
    lines = stored() if FILE.exists() else []
    book = EMPTY
    for line in lines:
        book = book.extended(line["change"].encode())
    if not lines:
        programme = PublishedProgramme("club", 1, None, make.PROGRAMME)
        book = _written(book, Change((programme,)))
    for page in pages.pages():
        documents = [d for example in pages.examples(page) for d in example.campaigns]
        named = {f"{page.stem}-{n}": document for n, document in enumerate(documents)}
        items = tuple(
            PublishedCampaign(name, 1, None, {**document, "campaign": name})
            for name, document in named.items()
            if book.campaign(name) is None
        )
        if items:
            book = _written(book, Change(items))


def _written(book: Rulebook, change: Change) -> Rulebook:
    raw = change.canonical()
    after = book.extended(raw)
    line = {"change": raw.decode(), "digest": after.digest.hex(), "decided": decided(after, raw)}
    with FILE.open("ab") as file:
        file.write(orjson.dumps(line) + b"\n")
    return after


if __name__ == "__main__":
    append()
