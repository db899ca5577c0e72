"""A running server as the rest of Lepta sees it: where it is, and a way to bring it back."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode

from lepta.postgres import binaries, cluster, orphans, sockets
from lepta.postgres.accounts import server_account
from lepta.postgres.home import Home, Phase, Record, Role
from lepta.postgres.process import Plan, ServerProcess
from lepta.postgres.unavailable import PostgresUnavailable

PORT = 5432


class EmbeddedServer:
    """A PostgreSQL that runs, owned by this process (`owned`) or by another one that it is shared with.

    Its address never changes while it is owned, not even over a restart.
    """

    def __init__(self, home: Home, record: Record, process: ServerProcess | None = None) -> None:
        self._home = home
        self._record = record
        self._process = process
        self._guard = threading.Lock()
        self._stopped = False

    @classmethod
    def launch(cls, home: Home, role: Role, postgres_bin: Path | None) -> Self:
        """Start the server of `home`, making or repairing what has to be. Call it as the owner of `home`."""
        left = home.read()
        record = Record(
            os.getpid(),
            role,
            Phase.STARTING,
            # Kept until that server is known to be gone, should this process be killed before.
            server_pid=left.server_pid if left else 0,
            socket_dir=left.socket_dir if left else "",
        )
        home.write(record)
        account = server_account(home)
        programs = binaries.find(postgres_bin, account)
        orphans.end(home, left)
        if left is not None and left.socket_dir:
            sockets.discard(Path(left.socket_dir))
        cluster.prepare(home, programs, account)
        plan = Plan(home, programs, account, sockets.create(account))
        return cls._started(plan, role)

    @classmethod
    def _started(cls, plan: Plan, role: Role) -> Self:
        record = Record(
            os.getpid(),
            role,
            Phase.STARTING,
            version=plan.binaries.version,
            socket_dir=str(plan.socket_dir),
        )
        server = cls(plan.home, record, ServerProcess(plan))
        try:
            server._start()
        except BaseException:
            server.stop()
            raise
        return server

    @property
    def data_dir(self) -> Path:
        """The data directory it belongs to."""
        return self._home.path

    @property
    def socket_dir(self) -> Path:
        """The folder of its unix socket, private to the server's account."""
        return Path(self._record.socket_dir)

    @property
    def version(self) -> str:
        """PostgreSQL's version, such as `18.6`."""
        return self._record.version

    @property
    def pid(self) -> int:
        """The server's process id; another one after a restart."""
        return self._record.server_pid

    @property
    def owned(self) -> bool:
        """Whether this process runs the server, and may restart it."""
        return self._process is not None

    @property
    def connect_arguments(self) -> dict[str, Any]:
        """Keyword arguments of `asyncpg.connect` for the superuser; set `user` and `database` for others."""
        return {
            "host": str(self.socket_dir),
            "port": PORT,
            "user": cluster.SUPERUSER,
            "database": "postgres",
        }

    @property
    def dsn(self) -> str:
        """`postgresql://…` for the superuser and the database `postgres`."""
        return self.dsn_for(cluster.SUPERUSER, "postgres")

    def dsn_for(self, user: str, database: str) -> str:
        """The address for a role and database, for asyncpg, libpq and (with its own scheme) SQLAlchemy."""
        where = urlencode({"host": str(self.socket_dir), "port": PORT}, safe="/")
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?{where}"

    def ensure_running(self) -> bool:
        """Bring the server back if it died by itself; True if that was needed. Cheap while it lives.

        A restart takes as long as recovery does, so call this in a thread. All sessions were lost. A shared server
        is its owner's to restart: here it is asked, and `PostgresUnavailable` tells that it does not answer.
        """
        if self._process is None:
            if sockets.ask(self.socket_dir, cluster.SUPERUSER) is sockets.Answer.READY:
                return False
            raise PostgresUnavailable(
                f"The database in {self.data_dir}, which process {self._record.owner_pid} runs, does not answer "
                "any more. Run the command again."
            )
        with self._guard:
            if self._stopped:
                raise PostgresUnavailable(f"The database in {self.data_dir} has been stopped.")
            if self._process.alive:
                return False
            orphans.end(self._home, self._record)
            self._start()
            return True

    def stop(self) -> None:
        """End the server if this process owns it. Harmless the second time, and when it has died already."""
        if self._process is None:
            return
        with self._guard:
            self._stopped = True
            self._process.stop()
            sockets.discard(self.socket_dir)

    def announce(self, phase: Phase) -> None:
        """Let other processes know how far this owner is."""
        self._record = self._record.at(phase)
        self._home.write(self._record)

    def _start(self) -> None:
        assert self._process is not None
        self.announce(Phase.STARTING)
        self._process.start(self._spawned)
        self._record = self._record.begun(_started_at(self._home.cluster))
        self.announce(Phase.READY)

    def _spawned(self, pid: int) -> None:
        self._record = self._record.run_by(pid)
        self._home.write(self._record)


def _started_at(directory: Path) -> str:
    """When the server started, by its own lock file, whose third line holds Unix seconds."""
    seconds = int((directory / "postmaster.pid").read_text().splitlines()[2])
    return datetime.fromtimestamp(seconds, UTC).isoformat()
