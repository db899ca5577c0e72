"""The demo as a command: from nothing, the same each time, and nothing left behind."""

import re
import signal
from pathlib import Path

import pytest

from lepta.demo import founding
from processes import alive, descendants, eventually, lepta, start


def lasting(output: str) -> list[str]:
    """The lines that two runs must share: all tables and verdicts; not times, keys and the log's name."""
    tables = output[output.index("┏") : output.index("The signed checkpoint")]
    return [line for line in tables.splitlines() if "events" not in line]


def test_two_runs_from_nothing_give_the_same_totals(tmp_path: Path) -> None:
    runs = [lepta(tmp_path, "demo", "--baskets", "40") for _ in range(2)]
    assert [(run.returncode, run.stderr) for run in runs] == [(0, ""), (0, "")]
    first, second = (lasting(run.stdout) for run in runs)
    assert first == second
    assert any("44 checkouts" in line for line in first)
    flowing = re.sub(r"[│\s]+", " ", runs[0].stdout)
    assert founding.RECEIPT[0] in flowing
    assert list(tmp_path.iterdir()) == []


def test_the_demo_runs_again_on_its_own_data(tmp_path: Path) -> None:
    place = str(tmp_path / "data")
    first, second = (
        lepta(tmp_path, "demo", "--baskets", "5", "--data-dir", place) for _ in range(2)
    )
    assert (first.returncode, second.returncode) == (0, 0), second.stdout + second.stderr
    assert lasting(first.stdout) == lasting(second.stdout)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_demo_that_is_stopped_leaves_no_process_behind(
    tmp_path: Path, how: signal.Signals
) -> None:
    demo = start(tmp_path, "demo", "--baskets", "400")
    assert demo.stdout is not None
    for line in demo.stdout:
        if line.startswith("Lepta:"):
            break
    family = descendants(demo.pid)
    assert len(family) > 3, "the service and its database"
    demo.send_signal(how)
    demo.communicate(timeout=60)
    assert eventually(lambda: not alive(family)), alive(family)
    if how is not signal.SIGKILL:
        assert list(tmp_path.iterdir()) == []
