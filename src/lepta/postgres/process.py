"""The server as a child process: start it, see that it is ready, stop it, and know when it died."""

import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT

from lepta.postgres import sockets, tuning
from lepta.postgres.accounts import Account
from lepta.postgres.binaries import Binaries
from lepta.postgres.cluster import SETTINGS, SUPERUSER
from lepta.postgres.home import Home
from lepta.postgres.launch import ENVIRONMENT, command, seen_by
from lepta.postgres.unavailable import PostgresUnavailable

# A crash may leave up to `max_wal_size` of log to replay before anybody is let in.
START_LIMIT_S = 180.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.01, 0.5
# Fast shutdown ends sessions and writes a checkpoint; an immediate one does neither; the last resort is the kernel's.
_STOPPING = ((SIGINT, 60.0), (SIGQUIT, 10.0), (SIGKILL, 5.0))
# Sessions of a server that was killed live until they notice; they hold its shared memory as long.
_OLD_SESSIONS = "pre-existing shared memory block"
_SAID_LINES = 12


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is needed to run the server of one directory, again and again."""

    home: Home
    binaries: Binaries
    account: Account | None
    socket_dir: Path


class ServerProcess:
    """PostgreSQL running as a child of this process, or not running."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._process: subprocess.Popen[bytes] | None = None
        self._exited = threading.Event()
        self._exited.set()
        self._logged_before: dict[Path, int] = {}

    @property
    def alive(self) -> bool:
        """Whether the server runs. Costs nothing."""
        return not self._exited.is_set()

    def start(self, on_spawn: Callable[[int], None]) -> None:
        """Start the server and return when it answers; `PostgresUnavailable` tells what it said instead.

        `on_spawn` hears the pid of each try before it is waited for.
        """
        until = time.monotonic() + START_LIMIT_S
        while True:
            sockets.restore(self._plan.socket_dir, self._plan.account)
            on_spawn(self._spawn())
            if self._comes_up(until):
                return
            self.stop()
            said = self._last_words()
            if _OLD_SESSIONS not in said or time.monotonic() > until:
                raise PostgresUnavailable(
                    f"PostgreSQL {self._plan.binaries.version} did not start on {self._plan.home.cluster}. "
                    f"It said:\n{said or '(nothing)'}\nRemove the cause and start again."
                )
            time.sleep(0.2)

    def stop(self) -> None:
        """End the server, gently at first. Harmless when it has ended already."""
        for signal, patience_s in _STOPPING:
            if self._process is None or self._exited.is_set():
                return
            self._process.send_signal(signal)
            self._exited.wait(patience_s)

    def _spawn(self) -> int:
        born: Future[subprocess.Popen[bytes]] = Future()
        exited = threading.Event()
        self._logged_before = self._own_logs()
        threading.Thread(
            target=self._keep, args=(born, exited), name="postgres-keeper", daemon=True
        ).start()
        self._process = born.result()
        self._exited = exited
        return self._process.pid

    def _keep(self, born: "Future[subprocess.Popen[bytes]]", exited: threading.Event) -> None:
        """Give birth and stay: the death signal fires when the *thread* that forked ends, so it must not."""
        try:
            process = self._popen()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked
            born.set_exception(error)
            return
        born.set_result(process)
        process.wait()
        exited.set()

    def _popen(self) -> subprocess.Popen[bytes]:
        plan = self._plan
        held = {**tuning.HELD, "unix_socket_directories": str(plan.socket_dir)}
        with (
            seen_by(plan.account, plan.home.cluster) as (path, descriptors),
            plan.home.create(plan.home.start_log) as log,
        ):
            arguments = ["-D", path, "-c", f"config_file={path}/{SETTINGS}"]
            return subprocess.Popen(  # noqa: S603 - a program that `binaries` has checked
                command(
                    plan.account,
                    plan.binaries.program("postgres"),
                    [*arguments, *tuning.as_arguments(held)],
                ),
                env=ENVIRONMENT,
                cwd="/",
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the owner, who stops the server when it is done with it
            )

    def _comes_up(self, until: float) -> bool:
        pause_s = _FIRST_PAUSE_S
        while time.monotonic() < until and not self._exited.wait(pause_s):
            if sockets.ask(self._plan.socket_dir, SUPERUSER) is sockets.Answer.READY:
                return True
            pause_s = min(pause_s * 1.3, _LONGEST_PAUSE_S)  # each "not yet" is a line in its log
        return False

    def _last_words(self) -> str:
        """The end of what the server said at this start, before and after it opened its own log."""
        said = self._plan.home.start_log.read_text(errors="replace")
        for log, size in self._own_logs().items():
            with log.open(errors="replace") as file:
                file.seek(min(size, self._logged_before.get(log, 0)))
                said += file.read()
        return "\n".join(said.splitlines()[-_SAID_LINES:])

    def _own_logs(self) -> dict[Path, int]:
        """The logs that the server itself writes, with their sizes in bytes."""
        folder = self._plan.home.cluster / "log"
        if not folder.is_dir():
            return {}
        return {log: log.stat().st_size for log in sorted(folder.iterdir())}
