"""Where it is measured: a database that was empty, `pgbench` on the same server, and `lepta serve` as a child."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import httpx

from lepta.bench import queries
from lepta.db import Address
from lepta.errors import DomainError, Kind
from lepta.postgres import binaries
from lepta.postgres.embedded import share
from lepta.settings import Settings

DATABASE = "lepta"
READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 60.0
WORKERS = min(2, os.cpu_count() or 1)
"""Processes of the service: while one has the log's head, the other talks to its tills. A third finds nothing to do."""


class BenchUnusable(DomainError):
    """There is nothing to measure on."""

    code = "bench-unusable"
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Service:
    """`lepta serve`, ready for requests."""

    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class Ground:
    """A Lepta database that holds nothing yet."""

    address: Address
    data_dir: Path
    """Of the service: its signing key is made there."""
    scratch: Path
    pgbench: Path
    server_pid: int | None
    """Of PostgreSQL, where it is the embedded one."""

    def lepta(self, *arguments: str) -> str:
        """Run a `lepta` command on this database and return what it printed."""
        ran = subprocess.run(  # noqa: S603 - ourselves
            _command(*arguments),
            env=self._environment({}),
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise BenchUnusable(f"`lepta {arguments[0]}` failed: {ran.stderr.strip()[-500:]}")
        return ran.stdout.strip()

    @contextmanager
    def service(self, **settings: str) -> Iterator[Service]:
        """Run `lepta serve` with these settings beside the defaults."""
        port = _free_port()
        log = self.scratch / "service.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - ourselves
                _command("serve", "--port", str(port), "--workers", str(WORKERS)),
                env=self._environment(settings),
                stdout=output, stderr=output,
            )  # fmt: skip
            try:
                url = f"http://127.0.0.1:{port}"
                _wait_until_ready(url, process, log)
                yield Service(url, process.pid)
            finally:
                _stop(process)

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        """Nothing of the caller's: an operator's own settings must not change what is measured."""
        own = {"DATABASE_URL": _plain(self.address), "DATA_DIR": str(self.data_dir), **settings}
        return {"PATH": os.defpath, "LC_ALL": "C.UTF-8"} | {f"LEPTA_{k}": v for k, v in own.items()}


@contextmanager
def opened(settings: Settings) -> Iterator[Ground]:
    """The database of `settings`, else an embedded one in a new temporary directory, removed at the end.

    The database must not hold any event: a bench fills it with a million members and does not clean up.
    """
    with TemporaryDirectory(prefix="lepta-bench-") as scratch:
        if settings.database_url:
            try:
                address = Address.parse(settings.database_url)
            except ValueError as error:
                raise BenchUnusable(f"The database URL cannot be read: {error}.") from error
            yield _usable(address, Path(scratch) / "data", Path(scratch), settings, None)
            return
        data_dir = settings.data_dir or Path(scratch) / "data"
        with share(data_dir, settings.postgres_bin) as server:
            _migrate(data_dir)
            address = Address.parse(server.dsn_for("postgres", DATABASE))
            yield _usable(address, data_dir, Path(scratch), settings, server.pid)


def _migrate(data_dir: Path) -> None:
    """Create the database in the embedded server that runs in `data_dir`, with the current schema."""
    ran = subprocess.run(  # noqa: S603 - ourselves
        _command("migrate", "--data-dir", str(data_dir)),
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode:
        raise BenchUnusable(f"`lepta migrate` failed: {ran.stderr.strip()[-500:]}")


def _usable(
    address: Address, data_dir: Path, scratch: Path, settings: Settings, server_pid: int | None
) -> Ground:
    try:
        held = asyncio.run(queries.events(address))
    except asyncpg.UndefinedTableError as error:
        raise BenchUnusable(
            f"The database {address.shown()} has no schema yet. Run `lepta migrate` with the same --database-url."
        ) from error
    if held:
        raise BenchUnusable(
            f"The database {address.shown()} holds events already. `lepta bench` fills a database with a million "
            "members and as many sales as it can: leave the options out for a new temporary one, or name an empty one."
        )
    return Ground(address, data_dir, scratch, _pgbench(settings.postgres_bin), server_pid)


def _pgbench(postgres_bin: Path | None) -> Path:
    """The chosen installation's, the wheel's, or the one on the path."""
    for chosen in (postgres_bin, None):
        program = binaries.find(chosen).program("pgbench")
        if program.is_file():
            return program
    found = shutil.which("pgbench")
    if found is None:
        raise BenchUnusable("pgbench is not installed (Debian: postgresql-contrib).")
    return Path(found)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "lepta.cli", *arguments]


def _plain(address: Address) -> str:
    return address.url().replace("postgresql+asyncpg://", "postgresql://", 1)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_WITHIN_S
    with httpx.Client(base_url=url, timeout=5, trust_env=False) as client:
        while process.poll() is None and time.monotonic() < until:
            try:
                if client.get("/readyz").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
    said = log.read_text(errors="replace").strip()[-1_000:]
    raise BenchUnusable(f"`lepta serve` does not come up: {said or 'it said nothing'}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
