"""Whose account the server runs under. PostgreSQL refuses root, so root hands it to another uid."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from lepta.postgres.home import Home
from lepta.postgres.unavailable import PostgresUnavailable

if sys.platform != "win32":
    import pwd

# Not given to people or daemons by any distribution, and not by systemd either
# (https://systemd.io/UIDS-GIDS/, "60578…61183: unused"), yet inside the 65,536 that containers map.
UNUSED_UIDS = range(60_900, 61_000)


@dataclass(frozen=True, slots=True)
class Account:
    """A uid and gid to run under. It need not have a name."""

    uid: int
    gid: int


def server_account(home: Home) -> Account | None:
    """The account for the server in `home`; None is this process's own.

    As root: whoever owns the cluster, else the data directory, else a uid that nobody has, so that
    no other service of the machine shares the database's account. No user is added to the system.
    """
    if os.geteuid() != 0:
        return None
    if sys.platform != "linux":
        raise PostgresUnavailable(
            "The embedded PostgreSQL runs as root on Linux only. Run the command as an ordinary user, "
            "or use a database of your own with --database-url."
        )
    for directory in (home.cluster, home.path):
        if directory.exists() and directory.stat().st_uid != 0:
            return Account(directory.stat().st_uid, directory.stat().st_gid)
    uid = next(uid for uid in UNUSED_UIDS if not _has_name(uid))
    return Account(uid, uid)


def initdb_account(account: Account | None) -> Account | None:
    """The account for `initdb`, which insists on one with a name: `account`, or else `nobody`."""
    uid = os.geteuid() if account is None else account.uid
    if _has_name(uid):
        return account
    if account is None:
        raise PostgresUnavailable(
            f"PostgreSQL's initdb needs a user with a name, and uid {uid} has none in /etc/passwd. "
            "Add an entry, run as another user, or use a database of your own with --database-url."
        )
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise PostgresUnavailable(
            "PostgreSQL's initdb cannot run as root, and there is no user `nobody` here to run it as. "
            "Run the command as an ordinary user, or use a database of your own with --database-url."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def hand_over(tree: Path, account: Account | None) -> None:
    """Make `account` the owner of a whole directory tree; links are not followed, not even under a race."""
    if account is None:
        return
    os.chown(tree, account.uid, account.gid, follow_symlinks=False)
    for _, folders, files, place in os.fwalk(tree):
        for name in (*folders, *files):
            os.chown(name, account.uid, account.gid, dir_fd=place, follow_symlinks=False)


def can_run(account: Account | None, program: Path) -> bool:
    """Whether `account` may pass every folder above `program` and read and execute it."""
    if account is None:
        return os.access(program, os.R_OK | os.X_OK)
    real = program.resolve()
    return _allowed(account, real, 0o5) and all(_allowed(account, p, 0o1) for p in real.parents)


def can_enter(account: Account | None, directory: Path) -> bool:
    """Whether `account` may reach what lies in `directory`."""
    if account is None:
        return os.access(directory, os.X_OK)
    real = directory.resolve()
    return all(_allowed(account, p, 0o1) for p in (real, *real.parents))


def _allowed(account: Account, path: Path, wanted: int) -> bool:
    status = path.stat()
    if status.st_uid == account.uid:
        return status.st_mode >> 6 & wanted == wanted
    if status.st_gid == account.gid:
        return status.st_mode >> 3 & wanted == wanted
    return status.st_mode & wanted == wanted


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
