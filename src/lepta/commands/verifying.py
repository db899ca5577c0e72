"""`lepta verify`."""

import asyncio
from pathlib import Path

import httpx
import typer

from lepta.commands.opening import Opened, opened
from lepta.commands.progress import bar
from lepta.settings import Settings
from lepta.verification.report import Report
from lepta.verification.verify import verify as verify_database


def verify(settings: Settings, *, checkpoint: Path | None, url: str | None, replay: bool) -> int:
    """Verify the database; returns the exit code: 1 if anything is wrong, with a line for each fault on stderr."""
    earlier = checkpoint.read_bytes() if checkpoint else None
    served = _served(url) if url else None
    with opened(settings, create=False) as found:
        reports = [examine(found, replay=replay, checkpoint=earlier)]
        if served is not None and reports[0].clean:
            # What the service has signed must be a prefix of this log, too.
            reports.append(examine(found, replay=False, checkpoint=served))
    for report in reports:
        for line in report.lines():
            typer.echo(line, err=True)
    typer.echo(summed_up(reports[0]))
    return 0 if all(report.clean for report in reports) else 1


def _served(url: str) -> bytes:
    response = httpx.get(f"{url.rstrip('/')}/log/checkpoint", timeout=10, trust_env=False)
    response.raise_for_status()
    return response.content


def examine(found: Opened, *, replay: bool, checkpoint: bytes | None = None) -> Report:
    """Verify an opened database behind a progress bar."""
    with bar() as progress:
        task = progress.add_task("Verifying", total=None)
        return asyncio.run(
            verify_database(
                found.address,
                replay=replay,
                checkpoint=checkpoint,
                progress=lambda done, size: progress.update(task, completed=done, total=size),
            )
        )


def summed_up(report: Report) -> str:
    """The verdict and the notes."""
    decided = f", {report.replayed} decided again" if report.replayed else ""
    verdict = "clean" if report.clean else f"{report.fault_count} faults"
    root = f"root sha256:{report.root.hex()}"
    lines = [f"note: {note}" for note in report.notes]
    lines.append(f"{report.events} events{decided} in {report.seconds:.1f} s: {verdict}; {root}")
    return "\n".join(lines)
