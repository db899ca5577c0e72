"""Own or share the embedded PostgreSQL of a data directory. Where the rest of Lepta comes in.

Who may do what is settled by two locks in the directory, which the kernel releases however their holder ends:

* `owner.lock` belongs to the one process that runs the server, for `serve` as long as it serves (`own`), or for
  another command while no service runs (`share`).
* `users.lock` is held, shared, by each process that uses a server run by another (`share`).

A service stops its server when it ends, whoever uses it: their transactions are rolled back. A command first waits
until the others have finished. A service that starts meanwhile waits a while, then refuses. Nested in one thread,
the `with` blocks of one directory must end in reverse order.

`own` and `share` block; from async code, enter them before the loop starts or in a thread.
"""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lepta.postgres import sockets
from lepta.postgres.cluster import SUPERUSER
from lepta.postgres.home import Home, Phase, Record, Role
from lepta.postgres.locks import FileLock
from lepta.postgres.process import START_LIMIT_S
from lepta.postgres.server import EmbeddedServer
from lepta.postgres.unavailable import PostgresUnavailable

_log = logging.getLogger(__name__)
_POLL_S = 0.05
_SAY_SO_AFTER_S = 1.0
# How long a command waits for a server that another process runs, by what that process has announced.
_PATIENCE_S = {Phase.STARTING: START_LIMIT_S + 30.0, Phase.READY: 15.0, Phase.CLOSING: 90.0}


@contextmanager
def own(
    data_dir: Path, postgres_bin: Path | None = None, *, wait_s: float = 30.0
) -> Iterator[EmbeddedServer]:
    """Run the server of `data_dir` for as long as the block lasts, as its only owner.

    Refused at once while another service owns it; a command or a stopping service is waited for, `wait_s` long.
    """
    home = _home(data_dir)
    with home.lock(home.owner_lock) as lock:
        _claim(home, lock, wait_s)
        server = _launch(home, Role.SERVICE, postgres_bin)
        try:
            yield server
        finally:
            _end(home, server)


@contextmanager
def share(data_dir: Path, postgres_bin: Path | None = None) -> Iterator[EmbeddedServer]:
    """Use the server of `data_dir`: the one that runs, or else one of our own for as long as the block lasts."""
    home = _home(data_dir)
    with home.lock(home.users_lock) as users, home.lock(home.owner_lock) as lock:
        record = _attach(home, users, lock)
        if record is not None:
            yield EmbeddedServer(home, record)
            return
        server = _launch(home, Role.COMMAND, postgres_bin)
        try:
            yield server
        finally:
            try:
                _wait_for_others(home, users)
            finally:
                _end(home, server)


def _home(data_dir: Path) -> Home:
    if sys.platform == "win32":
        raise PostgresUnavailable(
            "The embedded PostgreSQL does not run on Windows. Use a database of your own with --database-url."
        )
    return Home.open(data_dir)


def _launch(home: Home, role: Role, postgres_bin: Path | None) -> EmbeddedServer:
    try:
        return EmbeddedServer.launch(home, role, postgres_bin)
    except OSError as error:
        raise PostgresUnavailable(
            f"The database in {home.path} cannot be started: {error}. Remove the cause, choose another --data-dir, "
            "or use a database of your own with --database-url."
        ) from error


def _end(home: Home, server: EmbeddedServer) -> None:
    with suppress(OSError):  # a full disk must not keep the server alive
        server.announce(Phase.CLOSING)
    server.stop()
    home.forget()


def _claim(home: Home, lock: FileLock, wait_s: float) -> None:
    """Become the owner, or refuse and say who is."""
    until = time.monotonic() + wait_s
    while not lock.try_exclusive():
        holder = home.read()
        if holder is not None and _serves(holder):
            raise PostgresUnavailable(
                f"Process {holder.owner_pid} already serves the database in {home.path}. Use that service, stop it "
                f"first (kill {holder.owner_pid}), or choose another --data-dir."
            )
        if time.monotonic() > until:
            who = "Another process" if holder is None else f"Process {holder.owner_pid}"
            raise PostgresUnavailable(
                f"{who} is using the database in {home.path} for a command of its own. Wait for it to finish and "
                "start again, or choose another --data-dir."
            )
        time.sleep(_POLL_S)


def _serves(holder: Record) -> bool:
    """Whether the record is that of a service which lives and means to stay."""
    if holder.role is not Role.SERVICE or holder.phase is Phase.CLOSING:
        return False
    try:
        os.kill(holder.owner_pid, 0)
    except ProcessLookupError:  # left by a killed owner; the new one has not written its own yet
        return False
    except PermissionError:
        return True
    return True


def _attach(home: Home, users: FileLock, lock: FileLock) -> Record | None:
    """The record of a server that answers, held by our mark in `users`; or None, and `lock` is ours."""
    seen, until = None, 0.0
    while not lock.try_exclusive():
        record = home.read() if users.try_shared() else None
        if record is not None and _answers(record):
            return record
        users.release()  # whoever waits for the users to finish must not wait for one who has not begun
        phase = Phase.STARTING if record is None else record.phase
        if phase is not seen:
            seen, until = phase, time.monotonic() + _PATIENCE_S[phase]
        if time.monotonic() > until:
            raise PostgresUnavailable(_silence(home, record))
        time.sleep(_POLL_S)
    return None


def _answers(record: Record) -> bool:
    if record.phase is not Phase.READY:
        return False
    return sockets.ask(Path(record.socket_dir), SUPERUSER) is sockets.Answer.READY


def _silence(home: Home, record: Record | None) -> str:
    if record is None:
        return f"Another process holds the database in {home.path} and does not say where it is. Try again later."
    return (
        f"Process {record.owner_pid} runs the database in {home.path}, but it does not answer on the socket in "
        f"{record.socket_dir or '(none yet)'}. Look at that process, or stop it, and run the command again."
    )


def _wait_for_others(home: Home, users: FileLock) -> None:
    """Return when nobody else uses the server, with `users` held so that nobody begins to."""
    say_so_at = time.monotonic() + _SAY_SO_AFTER_S
    while not users.try_exclusive():
        if time.monotonic() > say_so_at:
            say_so_at = float("inf")
            _log.warning("Done. Waiting for other commands that use the database in %s.", home.path)
        time.sleep(_POLL_S)
