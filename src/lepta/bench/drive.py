"""Driving load at the service: `wrk` where it is installed, our own client otherwise and at a constant rate."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from urllib.parse import urlsplit

from lepta.bench.assortment import HOT_VISITS_PERCENT
from lepta.bench.client import Order
from lepta.bench.sales import SEQUENCES_PER_RUN, Mix
from lepta.errors import DomainError, Kind

CONNECTIONS = 64
_MARK = "BENCH "


class LoadFailed(DomainError):
    """Not every sale was recorded, so the figure would be worth nothing."""

    code = "bench-load-failed"
    kind = Kind.BUSY


@dataclass(frozen=True, slots=True)
class Load:
    """What came back."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @property
    def rate(self) -> float:
        """Checkouts a second."""
        return self.requests / self.seconds


@dataclass(slots=True)
class Driver:
    """Sends distinct sales; no sequence is used twice in its life."""

    folder: Path
    """Where `sales.write_parts` left the parts."""
    members: int
    business_day: str
    wrk: str | None
    runs: int = 0

    @classmethod
    def find(cls, folder: Path, members: int, business_day: str) -> "Driver":
        """With `wrk` if it is on the path."""
        return cls(folder, members, business_day, shutil.which("wrk"))

    @property
    def name(self) -> str:
        """What drives at full speed, for the table's notes."""
        return (
            "wrk, 1 thread" if self.wrk else "own asyncio client (wrk is not installed), 1 process"
        )

    def flood(self, url: str, seconds: float) -> Load:
        """As many sales as the service takes on all connections. Raises `LoadFailed` if any was not recorded."""
        if self.wrk is None:
            return self._own(url, rate=0, warm_up_s=0, seconds=seconds)
        mix = self._mix()
        with as_file(files("lepta.bench") / "sales.lua") as script:
            command = [
                self.wrk, "--threads=1", f"--connections={CONNECTIONS}", f"--duration={seconds:.0f}s",
                "--timeout=30s", f"--script={script}", url, "--",
                str(self.folder), str(mix.first_sequence), mix.business_day,
                str(mix.members), str(mix.regulars), str(HOT_VISITS_PERCENT),
            ]  # fmt: skip
            said = _output(command)
        marked = [line for line in said.splitlines() if line.startswith(_MARK)]
        if not marked:
            raise LoadFailed(f"wrk did not say what it measured: {said.strip()[-500:]}")
        return _checked(marked[-1].removeprefix(_MARK))

    def pace(self, url: str, rate: float, *, warm_up_s: float, seconds: float) -> Load:
        """Sales at a constant rate; latencies count from when each was to be sent. Raises `LoadFailed`."""
        return self._own(url, rate=rate, warm_up_s=warm_up_s, seconds=seconds)

    def _own(self, url: str, *, rate: float, warm_up_s: float, seconds: float) -> Load:
        at = urlsplit(url)
        order = Order(
            folder=str(self.folder), host=at.hostname or "", port=at.port or 80, connections=CONNECTIONS,
            rate=rate, warm_up_s=warm_up_s, seconds=seconds, mix=self._mix(),
        )  # fmt: skip
        return _checked(_output([sys.executable, "-m", "lepta.bench.client", order.to_json()]))

    def _mix(self) -> Mix:
        self.runs += 1
        return Mix(self.members, self.business_day, self.runs * SEQUENCES_PER_RUN)


def _output(command: list[str]) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own clients
    if ran.returncode:
        raise LoadFailed(
            f"{command[0]} ended with code {ran.returncode}: {ran.stderr.strip()[-500:]}"
        )
    return ran.stdout


def _checked(said: str) -> Load:
    load = Load(**json.loads(said))
    if load.refused or load.broken or not load.requests:
        raise LoadFailed(
            f"Of {load.requests} sales, {load.refused} were not answered 201 and {load.broken} not at all."
        )
    return load
