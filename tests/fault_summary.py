"""What the fault tests did, summed up at the end of the run: a pytest plugin, with xdist, too."""

from collections import Counter
from dataclasses import asdict
from typing import Any

import pytest

from traffic import Tally

PROPERTY = "faults"


def told(request: pytest.FixtureRequest, seed: str, kinds: Counter[str], tally: Tally) -> None:
    """Keep what a test did for the summary."""
    request.node.user_properties.append(
        (PROPERTY, {"seed": seed, "kinds": dict(kinds), "tally": asdict(tally)})
    )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Kinds of faults, how many of each, and what became of the events."""
    found = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if not found:
        return
    kinds: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for one in found:
        kinds.update(one["kinds"])
        sums.update(one["tally"])
    terminalreporter.section("faults")
    for kind, number in sorted(kinds.items()):
        terminalreporter.write_line(f"{number:5}  {kind}")
    terminalreporter.write_line(
        f"{kinds.total():5}  faults, seed {', '.join(sorted({one['seed'] for one in found}))}"
    )
    figures = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in sums.items())
    terminalreporter.write_line(figures)
