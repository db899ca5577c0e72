"""P5: one evaluation of a basket among many campaigns, against a decision table in Rust."""

import json
import statistics
import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from lepta.bench import assortment
from lepta.bench.figures import ROWS, Measured
from lepta.errors import DomainError
from lepta.processing.outcome import Reason as Stored
from lepta.rules import engine, explanation
from lepta.rules.facts import Facts, Line, Shopper, Store
from lepta.rules.rulebook import (
    EMPTY,
    Change,
    Item,
    PublishedCampaign,
    PublishedProgramme,
    Rulebook,
)

SIZES = (0, 100, 1_000, 10_000)
FIRING = 3
ROUNDS = 3
ELSEWHERE = 100_000
"""Products from here on are in no basket."""
AT = datetime(2026, 11, 22, 18, 15, 3, tzinfo=ZoneInfo(assortment.TIME_ZONE))


class WrongOutcome(DomainError):
    """A figure would be worth nothing: not what was to fire has fired."""

    code = "bench-wrong-outcome"


def facts() -> Facts:
    """A basket of eight lines, already resolved, as the engine gets it."""
    lines = tuple(
        Line(n, assortment.sku(n), (f"category-{n}",), None, is_goods=True,
             quantity_micro=1_000_000, amount_minor=10_000 + 1_000 * n)
        for n in range(1, assortment.LINES + 1)
    )  # fmt: skip
    store = Store("bench-01", assortment.RETAILER, None, assortment.PROGRAMME, assortment.CURRENCY)
    return Facts(
        store=store, at=AT, business_day=date(2026, 11, 22), currency=assortment.CURRENCY, lines=lines,
        total_minor=sum(line.amount_minor for line in lines), shopper=Shopper("m-bench"),
        choice=None, gifts=(), offline=False,
    )  # fmt: skip


def rulebook(size: int) -> Rulebook:
    """`size` campaigns: `base` and two products of the basket, the others about other products."""
    documents = [assortment.base()] if size else []
    for number in range(1, size):
        product = number if number < FIRING else ELSEWHERE + number
        documents.append(assortment.product_campaign(number, [assortment.sku(product)]))
    programme = assortment.programmes()[assortment.PROGRAMME]
    items: list[Item] = [PublishedProgramme(assortment.PROGRAMME, 1, None, programme)]
    items += [PublishedCampaign(d["campaign"], 1, None, d) for d in documents]
    return EMPTY.extended(Change(tuple(items)).canonical())


def evaluation(book: Rulebook) -> Callable[[], list[tuple[bool, str]]]:
    """What a checkout has done once: matching, effects, and every reason as the answer says it."""
    sale = facts()
    net = [line.amount_minor for line in sale.lines]
    skus = [line.sku for line in sale.lines]

    def run() -> list[tuple[bool, str]]:
        matched = engine.match(book, sale)
        outcome = engine.evaluate(matched, net, sale.total_minor, {})
        return [
            (explanation.fired(r.code), explanation.because(r.code, r.argument, skus, sale.currency, book.name_of))
            for r in (Stored(*reason) for reason in outcome.reasons)
        ]  # fmt: skip

    fired = sum(fired for fired, _ in run())
    expected = min(len(book.campaigns), FIRING)
    if fired != expected:
        raise WrongOutcome(f"{fired} of {len(book.campaigns)} campaigns fired, not {expected}.")
    return run


def decision_table(size: int) -> dict[str, Any]:
    """A zen-engine document: one table of `size` rows, each for a product; three of them of the basket."""
    products = [n if n <= FIRING else ELSEWHERE + n for n in range(1, size + 1)]
    rules = [{"_id": f"r{n}", "i": json.dumps(assortment.sku(n)), "o": str(n)} for n in products]
    table = {
        "hitPolicy": "first",
        "inputs": [{"id": "i", "name": "sku", "field": "sku"}],
        "outputs": [{"id": "o", "name": "points", "field": "points"}],
        "rules": rules,
    }
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in", "position": {"x": 0, "y": 0}},
        {
            "id": "t",
            "type": "decisionTableNode",
            "name": "t",
            "position": {"x": 1, "y": 0},
            "content": table,
        },
        {"id": "out", "type": "outputNode", "name": "out", "position": {"x": 2, "y": 0}},
    ]
    edges = [
        {"id": "a", "type": "edge", "sourceId": "in", "targetId": "t"},
        {"id": "b", "type": "edge", "sourceId": "t", "targetId": "out"},
    ]
    return {"nodes": nodes, "edges": edges}


def anchor(size: int) -> Callable[[], list[Any]] | None:
    """Eight look-ups in the decision table, a line each, matching alone; None without rows or without zen-engine."""
    if not size:
        return None
    try:
        import zen
    except ImportError:
        return None
    # Of its ways in, the one that keeps a compiled table: a decision made from text is compiled at every call.
    loader: zen.StaticLoaderConfig = {"type": "static", "content": {"table": decision_table(size)}}
    zen_engine = zen.ZenEngine({"loader": loader})
    lines = [{"sku": line.sku} for line in facts().lines]

    def run() -> list[Any]:
        return [zen_engine.evaluate("table", line)["result"] for line in lines]

    matched = sum(bool(result and result.get("points")) for result in run())
    if matched != FIRING:
        raise WrongOutcome(f"{matched} lines matched in zen-engine's table, not {FIRING}.")
    return run


def median_us(run: Callable[[], object], seconds: float) -> float:
    """The median of single runs, in microseconds, over about `seconds`."""
    times: list[int] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        begun = time.perf_counter_ns()
        run()
        times.append(time.perf_counter_ns() - begun)
    return statistics.median(times) / 1_000


def measure(seconds: float) -> Measured:
    """Every size, ours and the anchor's in turn `ROUNDS` times, `seconds` in all for each; medians of medians."""
    ours, theirs = {}, {}
    for size in SIZES:
        ours[size], theirs[size] = _in_turn(evaluation(rulebook(size)), anchor(size), seconds)
    return _measured(ours, {size: found for size, found in theirs.items() if found is not None})


def _in_turn(
    ours: Callable[[], object], theirs: Callable[[], object] | None, seconds: float
) -> tuple[float, float | None]:
    rounds: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for found, run in zip(rounds, (ours, theirs), strict=True):
            if run is not None:
                run()
                found.append(median_us(run, seconds / ROUNDS))
    return statistics.median(rounds[0]), statistics.median(rounds[1]) if rounds[1] else None


def _measured(ours: dict[int, float], theirs: dict[int, float]) -> Measured:
    largest = SIZES[-1]
    growth = ours[largest] / ours[100]
    detail = {f"at_{size}": found for size, found in ours.items()}
    detail |= {f"anchor_at_{size}": found for size, found in theirs.items()} | {"growth": growth}
    notes = (
        f"ours, with effects and the explanation's sentences: {_listed(ours)}; {growth:.2f} × from 100 to {largest:,}",
        f"anchor, 8 look-ups in a table of as many rows, matching alone: {_listed(theirs)}"
        if theirs
        else "the anchor is missing: zen-engine is not installed (pip install 'lepta[dev]')",
    )
    return Measured(ROWS["P5"], ours[largest], theirs.get(largest), detail, notes)


def _listed(found: dict[int, float]) -> str:
    return ", ".join(f"{value:.1f} µs at {size:,}" for size, value in found.items())
