"""Servers that a dead owner has left behind: wait for them, or end them."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from signal import SIGINT, SIGQUIT

from lepta.postgres.home import Home, Record
from lepta.postgres.unavailable import PostgresUnavailable

_POLL_S = 0.02
_PATIENCE_S = 60.0
_STRANGER_S = 5.0


def end(home: Home, left: Record | None) -> None:
    """Return when no server runs on `home`. Call it as the owner; `left` is the record found there.

    The server in the record is told to stop (on Linux it has been told by the kernel) and waited for.
    A server that is not in it was started by other hands, so it is left alone and refused.
    """
    pid = _postmaster(home.cluster)
    if pid is None:
        return
    if left is not None and left.server_pid == pid:
        _stop(pid, home.cluster)
    elif not _is_gone(pid, home.cluster, _STRANGER_S):
        raise PostgresUnavailable(
            f"A PostgreSQL that Lepta did not start, process {pid}, runs on {home.cluster}. Stop it "
            f"(kill -INT {pid}) and start again, or choose another --data-dir."
        )
    _clear(pid, home.cluster)


def _clear(pid: int, cluster: Path) -> None:
    """Remove what a killed server with `pid` left: its busy sessions, and its mark if the pid is in use.

    A session notices the death of its server only when it is idle next; until then no other may start.
    The pid may be another's now, or a dead process's that nobody has collected.
    """
    for session in _sessions(cluster):
        with suppress(ProcessLookupError):
            os.kill(session, SIGQUIT)
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, 0)
        # PostgreSQL would take whatever process has that pid for a server and refuse to start.
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def _sessions(cluster: Path) -> list[int]:
    """Server processes at work on `cluster`. Linux only; elsewhere their end is waited for."""
    if sys.platform != "linux":
        return []
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if _runs_on(pid, cluster) and _program(pid) == "postgres"]


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return ""


def _stop(pid: int, cluster: Path) -> None:
    for signal in (SIGINT, SIGQUIT):
        if not _runs_on(pid, cluster):
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal)
        if _is_gone(pid, cluster, _PATIENCE_S):
            return
    raise PostgresUnavailable(
        f"The PostgreSQL of an earlier run, process {pid}, does not stop. End it and start again."
    )


def _postmaster(cluster: Path) -> int | None:
    """The pid in PostgreSQL's own lock file, dead or alive."""
    try:
        return int((cluster / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _runs_on(pid: int, cluster: Path) -> bool:
    """Whether process `pid` is a server on `cluster`: each works in its own directory."""
    if sys.platform != "linux":
        return _is_postgres(pid)
    try:
        return Path(f"/proc/{pid}/cwd").samefile(cluster)
    except OSError:  # gone, a zombie, or somebody else's
        return False


def _is_postgres(pid: int) -> bool:
    said = subprocess.run(  # noqa: S603 - constant program, a number as argument
        ["/bin/ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return Path(said.stdout.strip()).name in {"postgres", "postmaster"}


def _is_gone(pid: int, cluster: Path, patience_s: float) -> bool:
    until = time.monotonic() + patience_s
    while _runs_on(pid, cluster):
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_S)
    return True
