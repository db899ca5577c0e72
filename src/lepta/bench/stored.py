"""P8 and P10: what is done with sales once they are stored: the log is verified, decided again, campaigns are tried."""

import asyncio
from collections.abc import Iterator
from datetime import date

from lepta.bench import assortment
from lepta.bench.figures import ROWS, Measured
from lepta.bench.ground import BenchUnusable, Ground
from lepta.bench.progress import Steps
from lepta.simulation.plan import Span
from lepta.simulation.simulate import simulate
from lepta.verification.verify import verify

NAMES = frozenset({"P8", "P10"})
ASSUMED_PER_S = {"verifying": 60_000, "deciding again": 6_000, "trying": 20_000}
"""Events a second, for the progress bar."""


def measure(ground: Ground, events: int, day: str, steps: Steps) -> Iterator[Measured]:
    """Both rows, on all sales that the load has left, of the business day `day`. Raises `BenchUnusable` if the
    database does not verify: what is fast then is worth nothing.
    """
    steps.next("P8: verifying", events / ASSUMED_PER_S["verifying"])
    verified = _verified(ground, replay=False)
    note = f"{events:,} events: leaves, root, folds, invariants"
    yield Measured(ROWS["P8"], verified, notes=(note,))
    steps.next("P10: deciding again", events / ASSUMED_PER_S["deciding again"])
    again = _verified(ground, replay=True)
    tried = {}
    for name, document in assortment.drafts().items():
        steps.next(f"P10: trying {name}", events / ASSUMED_PER_S["trying"])
        tried[name] = _tried(ground, document, day)
    said = ", ".join(f"{name} {rate:,.0f}/s" for name, rate in tried.items())
    notes = (
        f"receipts a second, the slowest draft counts: {said}",
        f"`verify --replay`: {again:,.0f}/s",
    )
    yield Measured(ROWS["P10"], min(tried.values()), None, {"replay": again}, notes)


def _verified(ground: Ground, *, replay: bool) -> float:
    """Events a second."""
    report = asyncio.run(verify(ground.address, replay=replay))
    if not report.clean:
        raise BenchUnusable(f"What the load left does not verify: {next(iter(report.lines()))}")
    return report.events / report.seconds


def _tried(ground: Ground, document: assortment.Document, day: str) -> float:
    """Receipts a second."""
    span = Span(date.fromisoformat(day), date.fromisoformat(day))
    report = asyncio.run(simulate(ground.address, [document], span))
    return float(report.document["receipts"]["looked_at"] / report.seconds)
