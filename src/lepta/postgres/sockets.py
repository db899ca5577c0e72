"""Where the server listens: a short private folder with a unix socket, and a way to ask who answers there."""

import os
import socket
import struct
import tempfile
from enum import Enum
from pathlib import Path

from lepta.postgres.accounts import Account, can_enter
from lepta.postgres.unavailable import PostgresUnavailable

_NAME = ".s.PGSQL.5432"
_PREFIX = "lepta-"
# sockaddr_un holds 108 bytes on Linux and 104 on macOS, the closing zero included; PostgreSQL's lock file
# beside the socket does not count. mkdtemp adds eight characters.
_LONGEST_PARENT = 103 - len(f"/{_PREFIX}12345678/{_NAME}")
_TIMEOUT_S = 5.0
_PROTOCOL = 196_608  # 3.0
_NOT_NOW = (
    b"C57P03\0"  # the field of an error that says "starting up", "shutting down", "in recovery"
)


class Answer(Enum):
    """What a server says to somebody who wants in."""

    READY = "ready"
    NOT_YET = "not yet"
    NONE = "none"


def create(account: Account | None) -> Path:
    """A new folder that only `account` (and root) may enter."""
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes a private folder in it
        if len(os.fsencode(parent)) <= _LONGEST_PARENT and can_enter(account, Path(parent)):
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            if account is not None:
                os.chown(folder, account.uid, account.gid)
            return folder
    raise PostgresUnavailable(
        f"There is no place for the server's socket: {tempfile.gettempdir()} is too long a path or closed to it, "
        "and so is /tmp. Set TMPDIR to a short path that every user may pass."
    )


def restore(folder: Path, account: Account | None) -> None:
    """Make `folder` again if something that tidies temporary files has removed it."""
    uid = os.geteuid() if account is None else account.uid
    try:
        folder.mkdir(mode=0o700)
        if account is not None:
            os.chown(folder, account.uid, account.gid)
    except FileExistsError:
        if folder.is_symlink() or folder.stat().st_uid != uid:
            raise PostgresUnavailable(
                f"The folder of the server's socket, {folder}, has been taken by somebody else. Start the "
                "service again: it will choose another."
            ) from None


def discard(folder: Path) -> None:
    """Remove a socket's folder, if it is one of ours and nothing else lies in it."""
    if folder.name.startswith(_PREFIX) and folder.is_dir() and not folder.is_symlink():
        try:
            for name in (_NAME, f"{_NAME}.lock"):
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()
        except OSError:  # not ours, or not empty: an empty folder left behind does no harm
            return


def ask(folder: Path, user: str) -> Answer:
    """Whether the server on `folder`'s socket lets `user` in now. What `pg_isready` does, without a process."""
    body = struct.pack("!i", _PROTOCOL) + b"user\0%b\0database\0postgres\0\0" % user.encode()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT_S)
            connection.connect(str(folder / _NAME))
            connection.sendall(struct.pack("!i", len(body) + 4) + body)
            said = connection.recv(4_096)
            if said.startswith(b"R"):
                connection.sendall(b"X" + struct.pack("!i", 4))
    except OSError:
        return Answer.NONE
    if not said or (said.startswith(b"E") and _NOT_NOW in said):
        return Answer.NOT_YET
    return Answer.READY
