"""The data directory: what lies where in it, and the record of who runs its server."""

import json
import os
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Self

import platformdirs

from lepta.postgres.locks import FileLock
from lepta.postgres.unavailable import PostgresUnavailable


class Role(StrEnum):
    """Why a process owns the server: to serve for long, or for one command."""

    SERVICE = "service"
    COMMAND = "command"


class Phase(StrEnum):
    """How far the owner has come. Nobody attaches to a server that is not `READY`."""

    STARTING = "starting"
    READY = "ready"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Record:
    """What the owner wrote down. Only a hint: a killed owner leaves it behind, so whoever reads it
    also asks the owner's lock and the socket.

    `started_at` is ISO 8601 in UTC; it, `server_pid` and `socket_dir` are empty until there is a server.
    """

    owner_pid: int
    role: Role
    phase: Phase
    version: str = ""
    server_pid: int = 0
    socket_dir: str = ""
    started_at: str = ""

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The record in `text`, or None when it is no record: half a file is as good as none."""
        try:
            found = json.loads(text)
            return cls(
                owner_pid=int(found["owner_pid"]),
                role=Role(found["role"]),
                phase=Phase(found["phase"]),
                version=str(found["version"]),
                server_pid=int(found["server_pid"]),
                socket_dir=str(found["socket_dir"]),
                started_at=str(found["started_at"]),
            )
        except (ValueError, KeyError, TypeError):
            return None

    def at(self, phase: Phase) -> Self:
        """The same owner, further on."""
        return replace(self, phase=phase)

    def run_by(self, server_pid: int) -> Self:
        """The same owner with a new server process."""
        return replace(self, server_pid=server_pid)

    def begun(self, started_at: str) -> Self:
        """The same owner with a server that has started."""
        return replace(self, started_at=started_at)


@dataclass(frozen=True, slots=True)
class Home:
    """A data directory that exists and that this process may write to."""

    path: Path

    @classmethod
    def open(cls, data_dir: Path) -> Self:
        """Create `data_dir` where it is missing, for its owner alone; parent folders stay as they are."""
        path = Path(os.path.abspath(data_dir))  # noqa: PTH100 - resolve() would follow a link that may move
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise PostgresUnavailable(
                f"The data directory {path} cannot be created ({error.strerror}). "
                "Choose another one with --data-dir."
            ) from error
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise PostgresUnavailable(
                f"The data directory {path} belongs to uid {path.stat().st_uid} and is closed to uid "
                f"{os.geteuid()}. Run the command as its owner, or choose another --data-dir."
            )
        return cls(path)

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own directory."""
        return self.path / "postgres"

    @property
    def owner_lock(self) -> Path:
        """Locked exclusively by the process that runs the server."""
        return self.path / "owner.lock"

    @property
    def users_lock(self) -> Path:
        """Locked shared by each process that uses a server it does not own."""
        return self.path / "users.lock"

    @property
    def start_log(self) -> Path:
        """What the server said before it opened its own log, overwritten at each start."""
        return self.path / "postgres.start.log"

    @property
    def _record(self) -> Path:
        return self.path / "server.json"

    def read(self) -> Record | None:
        """The record, if there is one that can be read."""
        try:
            return Record.parse(self._record.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return None

    def write(self, record: Record) -> None:
        """Replace the record at once: a reader sees the old one or the new one."""
        new = self._record.with_suffix(".json.new")
        with self.create(new) as file:
            file.write(json.dumps(asdict(record), indent=2).encode() + b"\n")
        new.replace(self._record)

    def forget(self) -> None:
        """Remove the record."""
        self._record.unlink(missing_ok=True)

    def create(self, path: Path) -> BinaryIO:
        """A new file in place of any older one, for the directory's owner alone."""
        path.unlink(missing_ok=True)
        # As root in somebody else's directory: never write through a link that was put there.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)
        self._keep_owner(path)
        return file

    def lock(self, path: Path) -> FileLock:
        """The lock on one of this directory's lock files, not yet taken."""
        lock = FileLock(path)
        self._keep_owner(path)
        return lock

    def _keep_owner(self, path: Path) -> None:
        """Give `path` to the directory's owner, so that a run as root does not lock that owner out."""
        if os.geteuid() == 0:
            status = self.path.stat()
            os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)


def default_data_dir() -> Path:
    """Where Lepta keeps its data when nobody says: per user, or /var/lib/lepta for root."""
    if os.geteuid() == 0:
        return Path("/var/lib/lepta")
    return platformdirs.user_data_path("lepta")
