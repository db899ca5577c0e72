"""How much processor time a family of processes has used, so that a figure says where the time goes. Linux only."""

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")


def used_s(pid: int) -> float | None:
    """Seconds of user and system time of `pid` and all its descendants, the ended ones included.

    None where /proc does not tell. Descendants that end between two calls are counted by whoever waited for them.
    """
    parents = dict(_parents())
    if pid not in parents:
        return None
    family = {pid}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return sum(_own_s(member) for member in family)


def _parents() -> Iterator[tuple[int, int]]:
    """(process, its parent) of every process there is."""
    if not (_PROC / "self/stat").exists():
        return
    for entry in _PROC.iterdir():
        fields = _fields(int(entry.name)) if entry.name.isdecimal() else None
        if fields is not None:
            yield int(entry.name), int(fields[1])


def _own_s(pid: int) -> float:
    """utime, stime, cutime, cstime: fields 14 to 17 of proc(5), in clock ticks."""
    fields = _fields(pid)
    if fields is None:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _fields(pid: int) -> list[str] | None:
    """Of its `stat` what follows the name, which may hold spaces and brackets; None: it has ended."""
    try:
        told = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return told.rpartition(")")[2].split()
