"""The cluster: PostgreSQL's own directory, made once and completely, and checked before each start."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lepta.postgres import tuning
from lepta.postgres.accounts import Account, hand_over, initdb_account
from lepta.postgres.binaries import Binaries
from lepta.postgres.home import Home
from lepta.postgres.launch import ENVIRONMENT, command, seen_by
from lepta.postgres.unavailable import PostgresUnavailable

SUPERUSER = "postgres"
SETTINGS = "lepta.conf"
_UNFINISHED = "postgres.unfinished."
_LOG_KEPT_S = 6 * 24 * 3600


def prepare(home: Home, binaries: Binaries, account: Account | None) -> None:
    """Make the cluster unless there is one, see that it fits, and write the settings for this machine.

    Call it as the owner of `home`, with no server running on it.
    """
    for left in home.path.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)
    if not home.cluster.exists():
        _create(home, binaries, account)
    _check(home.cluster, binaries, account)
    # The server's account could put links in here; root must not be led out of the directory by one.
    with _opened(home.cluster) as cluster:
        written_at = _write_settings(cluster, account)
        with suppress(FileNotFoundError), _opened("log", cluster) as logs:
            _drop_old_logs(logs, written_at - _LOG_KEPT_S)


def _create(home: Home, binaries: Binaries, account: Account | None) -> None:
    """Run initdb beside the place and move the result there, so that a half-made cluster is never seen."""
    # A name of its own: the initdb of an owner killed a moment ago still empties its directory, by name.
    new = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=home.path))
    _initdb(new, binaries, initdb_account(account))
    hand_over(new, account)
    new.rename(home.cluster)
    _flush(home.path)


def _initdb(new: Path, binaries: Binaries, account: Account | None) -> None:
    hand_over(new, account)
    with seen_by(account, new) as (path, descriptors):
        arguments = ["-D", path, *_initdb_arguments(binaries.major)]
        ran = subprocess.run(  # noqa: S603 - a program that `binaries` has checked
            command(account, binaries.program("initdb"), arguments),
            env=ENVIRONMENT,
            cwd="/",
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            start_new_session=True,
            check=False,
        )
    if ran.returncode != 0:
        said = "\n".join((ran.stdout + ran.stderr).strip().splitlines()[-8:])
        raise PostgresUnavailable(
            f"PostgreSQL {binaries.version} could not make its directory {new}. It said:\n{said}\n"
            "Remove the cause, or choose another --data-dir, and start again."
        )


def _initdb_arguments(major: int) -> list[str]:
    """C.UTF-8 everywhere, so that texts sort the same on every machine and in every later version."""
    locale = ["--locale-provider=libc", "--locale=C.UTF-8"]
    if major >= 17:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    access = ["--username", SUPERUSER, "--auth-local=trust", "--auth-host=reject"]
    return [*access, "--encoding=UTF8", *locale, "--lc-messages=C", "--data-checksums"]


def _check(cluster: Path, binaries: Binaries, account: Account | None) -> None:
    if account is None and cluster.stat().st_uid != os.geteuid():
        raise PostgresUnavailable(
            f"{cluster} belongs to uid {cluster.stat().st_uid}: it was made by a run under another account. "
            "Run the command as that user or as root, or choose another --data-dir."
        )
    try:
        version = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise PostgresUnavailable(
            f"{cluster} exists but is no PostgreSQL directory. Move it away, or choose another --data-dir."
        ) from None
    if version != str(binaries.major):
        raise PostgresUnavailable(
            f"{cluster} was made by PostgreSQL {version}, and these programs are {binaries.version}. Set "
            f"LEPTA_POSTGRES_BIN to the bin folder of a PostgreSQL {version}, move the data with pg_upgrade, "
            "or choose another --data-dir."
        )
    if account is not None and cluster.stat().st_uid == 0:
        hand_over(cluster, account)  # a copy that root made


def _write_settings(cluster: int, account: Account | None) -> float:
    """Write the file that the server is started with; when it was written comes back, in Unix seconds."""
    with suppress(FileNotFoundError):
        os.unlink(SETTINGS, dir_fd=cluster)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(SETTINGS, flags, 0o600, dir_fd=cluster), "wb") as file:
        file.write(tuning.as_file(tuning.suited(tuning.memory_mb())).encode())
        if account is not None:
            os.fchown(file.fileno(), account.uid, account.gid)
        return os.fstat(file.fileno()).st_mtime


def _drop_old_logs(folder: int, before: float) -> None:
    """Remove last week's log of the same weekday, which a server that was not running did not empty."""
    for name in os.listdir(folder):
        if os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime < before:
            os.unlink(name, dir_fd=folder)


def _flush(directory: Path) -> None:
    """Make a rename in `directory` durable."""
    with _opened(directory) as descriptor:
        os.fsync(descriptor)


@contextmanager
def _opened(directory: Path | str, parent: int | None = None) -> Iterator[int]:
    """A descriptor of `directory`, which must not be a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(directory, flags, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
