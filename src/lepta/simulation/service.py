"""Back-tests for the service: each in a process group of its own, one at a time, for a limited time."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from lepta.db import Address
from lepta.errors import DomainError, InvalidRequest, Kind, NotSupported
from lepta.simulation.plan import Document, NotRecorded, Span
from lepta.simulation.simulate import NoReceipts, shaped

_LINE_LIMIT = 1 << 26
"""Bytes of the longest report."""
_REFUSALS: dict[str, type[DomainError]] = {
    error.code: error for error in (InvalidRequest, NotSupported, NoReceipts, NotRecorded)
}


class SimulationBusy(DomainError):
    """Another simulation is under way.

    Each service process runs one at a time, so that tills do not wait for it. Send it again after the seconds that
    `Retry-After` says, or run `lepta campaigns simulate` on another machine.
    """

    code = "simulation-busy"
    kind = Kind.BUSY

    def __init__(self, retry_after_s: int = 5) -> None:
        super().__init__(
            f"Another simulation is under way. Send this one again after {retry_after_s} s.",
            retry_after_s=retry_after_s,
        )


class SimulationTooLong(DomainError):
    """The simulation took too long.

    It was given up; nothing was changed. Choose fewer days, or run `lepta campaigns simulate`, which has no limit.
    """

    code = "simulation-too-long"

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            f"The simulation was not done within {limit_s:.0f} s and was given up. Choose fewer days, or run "
            "`lepta campaigns simulate`.",
        )


@dataclass(slots=True)
class Simulations:
    """The service's back-tests on one database."""

    address: Address
    limit_s: float
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, documents: Sequence[Document], span: Span) -> dict[str, Any]:
        """The report's document.

        Raises what `simulate` raises, `SimulationBusy` if another one is under way, and `SimulationTooLong`.
        """
        shaped(documents)
        if self._turn.locked():
            raise SimulationBusy
        asked = {
            "address": asdict(self.address),
            "campaigns": documents,
            "from": span.first,
            "to": span.last,
        }
        async with self._turn:
            try:
                async with asyncio.timeout(self.limit_s):
                    answer = await _asked(orjson.dumps(asked) + b"\n")
            except TimeoutError:
                raise SimulationTooLong(self.limit_s) from None
        if "refusal" in answer:
            raise _refusal(**answer["refusal"])
        report: dict[str, Any] = answer["report"]
        return report


async def _asked(line: bytes) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lepta.simulation.child",
        stdin=PIPE, stdout=PIPE, limit=_LINE_LIMIT, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(line)
        answer = await process.stdout.readline()
    finally:
        await _end(process)
    if not answer:
        raise RuntimeError(f"a simulation ended with code {process.returncode} and said nothing")
    said: dict[str, Any] = orjson.loads(answer)
    return said


async def _end(process: Process) -> None:
    """End it with all its own processes; what is done already has none left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _refusal(code: str, message: str, members: dict[str, Any]) -> DomainError:
    kind = _REFUSALS[code]
    refusal = kind.__new__(kind)
    DomainError.__init__(refusal, message, **members)
    return refusal
