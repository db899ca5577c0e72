"""What ours is measured against on the same server: PostgreSQL's own `pgbench`, with two loads."""

import re
import subprocess
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path

import asyncpg

from lepta.bench import queries
from lepta.db import Address
from lepta.errors import DomainError, Kind

DATABASE = "lepta_bench_anchor"
SCALE = 20
"""Of TPC-B: 2,000,000 accounts."""
TPC_B_CLIENTS = 32
DOUBLE_ENTRY_CLIENTS = 20
_RATE = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)


class AnchorFailed(DomainError):
    """The anchor could not be measured: `pgbench` failed."""

    code = "bench-anchor-failed"
    kind = Kind.BUSY


@dataclass(frozen=True, slots=True)
class Anchor:
    """A database of its own for `pgbench`, beside ours on one server."""

    pgbench: Path
    address: Address
    threads: int

    async def create(self) -> "Anchor":
        """Make the tables of both loads; returns the anchor in the database that has them."""
        try:
            await queries.create_database(self.address, DATABASE)
        except asyncpg.InsufficientPrivilegeError as error:
            raise AnchorFailed(
                f"{self.address.user} may not create the database {DATABASE} that pgbench needs. "
                f"Allow it: ALTER ROLE {self.address.user} CREATEDB."
            ) from error
        there = replace(self, address=replace(self.address, database=DATABASE))
        there.run("--initialize", "--quiet", f"--scale={SCALE}")
        await queries.create_double_entry(there.address)
        return there

    def tpc_b(self, seconds: float) -> float:
        """Transactions a second of the TPC-B-like load: one durable commit each."""
        return self._load(seconds, TPC_B_CLIENTS, "--builtin=tpcb-like")

    def double_entry(self, seconds: float) -> float:
        """Calls a second that post three transfers each in plain SQL."""
        with as_file(files("lepta.bench") / "double_entry.pgbench") as script:
            return self._load(seconds, DOUBLE_ENTRY_CLIENTS, "--no-vacuum", f"--file={script}")

    def _load(self, seconds: float, clients: int, *more: str) -> float:
        said = self.run(
            "--protocol=prepared", f"--client={clients}", f"--jobs={self.threads}", f"--time={seconds:.0f}", *more
        )  # fmt: skip
        return rate(said)

    def run(self, *arguments: str) -> str:
        """What `pgbench` prints. Raises `AnchorFailed`."""
        at = self.address
        ran = subprocess.run(  # noqa: S603 - PostgreSQL's own program
            [str(self.pgbench), "-h", at.host, "-p", str(at.port), "-U", at.user, *arguments, at.database],
            env={"LC_ALL": "C", "PGPASSWORD": at.password or "", **_ssl(at)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if ran.returncode:
            raise AnchorFailed(
                f"pgbench ended with code {ran.returncode}: {ran.stderr.strip()[-500:]}"
            )
        return ran.stdout


def _ssl(address: Address) -> dict[str, str]:
    mode = dict(address.options).get("ssl")
    return {"PGSSLMODE": mode} if mode else {}


def rate(said: str) -> float:
    """Transactions a second in what `pgbench` printed. Raises `AnchorFailed` for failed transactions, or none."""
    found, failed = _RATE.search(said), _FAILED.search(said)
    if found is None or (failed and int(failed[1])):
        raise AnchorFailed(f"pgbench did not measure anything usable: {said.strip()[-500:]}")
    return float(found[1])
