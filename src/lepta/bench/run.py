"""`lepta bench`: set the ground up, measure the chosen rows, print the table."""

import asyncio
import json
import os
import platform
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lepta.bench import figures, ground, population, queries, rules, stored
from lepta.bench.anchors import Anchor
from lepta.bench.drive import Driver
from lepta.bench.figures import ROWS, Measured
from lepta.bench.plan import FULL, QUICK, Plan
from lepta.bench.progress import Steps
from lepta.bench.sales import OFFSET_S
from lepta.bench.service import Bench
from lepta.errors import DomainError, Kind
from lepta.settings import Settings


class UnknownRow(DomainError):
    """No row of this name."""

    code = "bench-unknown-row"
    kind = Kind.REFUSED


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says. `json`: a file, or `-` for stdout (the table goes to stderr then)."""

    settings: Settings
    json: str | None = None
    compare: Path | None = None
    rows: tuple[str, ...] = ()
    """Names such as `P5`; none: all."""
    quick: bool = False


def run(options: Options) -> int:
    """Measure and print. Exit code 0 if every row was measured, whether its goal is met or not.

    Raises a `DomainError` for what the operator can mend: an unknown row, a database that is not empty, a file
    that cannot be compared with, a load that was not recorded whole.
    """
    chosen = choose(options.rows)
    earlier = _earlier(options.compare)
    plan = QUICK if options.quick else FULL
    machine: dict[str, Any] = {"cores": os.cpu_count() or 1, "python": platform.python_version()}
    with Steps(plan.expected_s(chosen)) as steps:
        measured = _measure(options.settings, chosen, plan, machine, steps)
    document = figures.as_json(measured, {**machine, "run": plan.name})
    table = figures.as_markdown(measured, machine, earlier)
    text = f"{plan.headline}\n\n{table}"
    if options.json == "-":
        print(text, file=sys.stderr)  # noqa: T201 - a command's output
        print(json.dumps(document, ensure_ascii=False, indent=2))  # noqa: T201
    else:
        print(text)  # noqa: T201
        if options.json:
            Path(options.json).write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    return 0


def choose(names: Sequence[str]) -> list[str]:
    """The rows of these names (`P5,P6` is two), in the table's order; none: all. Raises `UnknownRow`."""
    wanted = [name.strip().upper() for part in names for name in part.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in ROWS]
    if unknown:
        raise UnknownRow(f"There is no row {unknown[0]}. Rows are {', '.join(ROWS)}.")
    return [name for name in ROWS if name in wanted or not wanted]


def _earlier(file: Path | None) -> Any:
    if file is None:
        return None
    try:
        document = json.loads(file.read_text())
    except ValueError as error:
        raise figures.Unreadable(f"{file} is not JSON: {error}.") from error
    return figures.read_earlier(document)


def _measure(
    settings: Settings, chosen: Collection[str], plan: Plan, machine: dict[str, Any], steps: Steps
) -> list[Measured]:
    measured: list[Measured] = []
    if "P5" in chosen:
        steps.next("P5: evaluating among 10,000 campaigns", plan.rules_total_s)
        measured.append(rules.measure(plan.rules_s))
    if set(chosen) - {"P5"}:
        measured += _on_ground(settings, chosen, plan, machine, steps)
    return sorted(measured, key=lambda m: list(ROWS).index(m.row.name))


def _on_ground(
    settings: Settings, chosen: Collection[str], plan: Plan, machine: dict[str, Any], steps: Steps
) -> list[Measured]:
    steps.next("starting PostgreSQL", 5)
    with ground.opened(settings) as place:
        machine |= asyncio.run(queries.settings(place.address))
        steps.next("pgbench's tables", plan.anchor_s)
        anchor = asyncio.run(
            Anchor(place.pgbench, place.address, min(2, os.cpu_count() or 1)).create()
        )
        try:
            day = (datetime.now(UTC) + timedelta(seconds=OFFSET_S)).date().isoformat()
            driver = Driver.find(place.scratch, plan.members, day)
            machine["driver"] = driver.name
            with place.service() as service:
                steps.next(f"{plan.campaigns:,} campaigns", plan.campaigns_s)
                population.furnish(place, service.url, plan.campaigns)
                steps.next(f"{plan.members:,} members", plan.members_s)
                population.fill(place, plan.members)
            measured = Bench(place, driver, anchor, chosen, plan, steps).measure()
            if stored.NAMES & set(chosen):
                events = asyncio.run(queries.events(place.address))
                found = stored.measure(place, events, day, steps)
                measured += [one for one in found if one.row.name in chosen]
            return measured
        finally:
            asyncio.run(queries.drop_database(place.address, anchor.address.database))
