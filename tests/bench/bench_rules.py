"""One evaluation of an 8-line basket among so many campaigns, against zen-engine's decision table of as many rows.

Run as a script. Prints median microseconds; both sides alternate in one run. Of ours, everything is included:
matching, three effects with shares and allocation, explanation; of zen only matching, one call a line.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zen

sys.path.insert(0, str(Path(__file__).parents[1]))

import make_rules as make
from lepta.rules.engine import Outcome, evaluate, match

SIZES = (0, 100, 1_000, 10_000)
FIRING = ("sku-100000", "sku-100003", "sku-100007")


def documents(count: int) -> list[dict[str, Any]]:
    """`count` campaigns on single SKUs, of which three are in the basket."""
    skus = [*FIRING, *(f"sku-{n}" for n in range(count))][:count]
    return [
        {**make.HUNTER, "campaign": f"c-{n}", "what": {"skus": [sku]}}
        if n % 2
        else make.bonus(f"c-{n}", {"points": 5}, per="unit", what={"skus": [sku]})
        for n, sku in enumerate(skus)
    ]


def ours(count: int) -> Callable[[], Any]:
    book = make.rulebook()
    if count:
        book = book.extended(make.change(*documents(count)))
    sale = make.facts(*(make.line(f"sku-{100_000 + n}", 10_000 + n) for n in range(8)))
    net = [line.amount_minor for line in sale.lines]
    counts: dict[str, int] = {}

    def run() -> Outcome:
        return evaluate(match(book, sale), net, sale.total_minor, counts)

    assert len(run().effects) == min(count, 3)
    return run


def anchor(count: int) -> Callable[[], Any]:
    skus = [*FIRING, *(f"sku-{n}" for n in range(count))][: max(count, 1)]
    table = {
        "hitPolicy": "first",
        "inputs": [{"id": "i", "name": "sku", "type": "expression", "field": "sku"}],
        "outputs": [{"id": "o", "name": "points", "type": "expression", "field": "points"}],
        "rules": [{"_id": f"r{n}", "i": f'"{sku}"', "o": "5"} for n, sku in enumerate(skus)],
    }
    content = {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in", "position": {"x": 0, "y": 0}},
            {"id": "t", "type": "decisionTableNode", "name": "t", "content": table, "position": {"x": 0, "y": 0}},
            {"id": "out", "type": "outputNode", "name": "out", "position": {"x": 0, "y": 0}},
        ],
        "edges": [
            {"id": "e1", "sourceId": "in", "targetId": "t", "type": "edge"},
            {"id": "e2", "sourceId": "t", "targetId": "out", "type": "edge"},
        ],
    }  # fmt: skip
    # Only what a loader has compiled is indexed: a decision made by `create_decision` takes 50 times as long.
    options: Any = {"loader": {"type": "static", "content": {"table": content}}}
    engine: Any = zen.ZenEngine(options)
    inputs = [{"sku": f"sku-{100_000 + n}"} for n in range(8)]
    return lambda: [engine.evaluate("table", one) for one in inputs]


def median_us(run: Callable[[], Any], times: int) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter_ns()
        run()
        spent.append(time.perf_counter_ns() - began)
    return statistics.median(spent) / 1000


def main() -> None:
    sys.stdout.write("| campaigns | lepta, µs | zen-engine, µs | ratio |\n|---|---|---|---|\n")
    for count in SIZES:
        mine, theirs = ours(count), anchor(count)
        rounds = [(median_us(mine, 500), median_us(theirs, 300)) for _ in range(7)]
        us, zen_us = (statistics.median(column) for column in zip(*rounds, strict=True))
        sys.stdout.write(f"| {count:,} | {us:.1f} | {zen_us:.1f} | {us / zen_us:.2f} |\n")


if __name__ == "__main__":
    main()
