"""`lepta` as a child process, and who is left when it is gone."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

COMMAND = [sys.executable, "-m", "lepta.cli"]


def environment(temporary: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """This one with these settings of Lepta only, a folder of its own for temporary files, and wide lines."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LEPTA_")}
    return {**ours, "TMPDIR": str(temporary), "COLUMNS": "160", **(settings or {})}


def lepta(
    temporary: Path, *arguments: str, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(temporary),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def start(
    temporary: Path, *arguments: str, settings: Mapping[str, str] | None = None
) -> "subprocess.Popen[str]":
    """Start a command in a process group of its own, its output in a pipe."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env={**environment(temporary, settings), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def descendants(pid: int) -> set[int]:
    """All processes that `pid` has started, and those that they have."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child} | descendants(child)
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that still run; one that has ended and waits for its parent does not."""
    running = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state not in "ZX":
            running.add(pid)
    return running


def eventually(holds: Callable[[], bool], within_s: float = 20) -> bool:
    """Whether `holds` does, looked at again and again."""
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
