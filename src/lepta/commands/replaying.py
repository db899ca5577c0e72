"""`lepta replay`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from lepta.commands import keyring
from lepta.commands.progress import bar
from lepta.replay import Summary, connect
from lepta.replay import replay as post_all
from lepta.settings import Settings


def replay(
    file: Path,
    url: str,
    settings: Settings,
    *,
    rate: float | None,
    connections: int,
    key: str | None,
) -> int:
    """Post the file; returns the exit code: 1 if any event was refused."""
    with _key(settings, key) as bearer:
        summary = asyncio.run(_post(file, url, bearer, rate, connections))
    for fault in summary.faults:
        typer.echo(fault, err=True)
    typer.echo(summed_up(summary))
    return 1 if summary.refused else 0


@contextmanager
def _key(settings: Settings, key: str | None) -> Iterator[str]:
    """The key that was given, or an office's key that lasts as long as this run."""
    if key is not None:
        yield key
        return
    with keyring.temporary(settings, role="office") as made:
        yield made


async def _post(file: Path, url: str, key: str, rate: float | None, connections: int) -> Summary:
    with file.open("rb") as counted:
        total = sum(1 for line in counted if line.strip())
    async with connect(url, key, connections) as client:
        with bar() as progress, file.open("rb") as lines:
            task = progress.add_task(file.name, total=total)
            return await post_all(
                client,
                lines,
                workers=connections,
                rate=rate,
                progress=lambda steps: progress.advance(task, steps),
            )


def summed_up(summary: Summary) -> str:
    """What became of the file, in a few lines."""
    refused = ", ".join(f"{code}: {count}" for code, count in sorted(summary.refused.items()))
    shares = ", ".join(
        f"p{percent} {summary.percentile_ms(percent):.1f}" for percent in (50, 90, 99, 100)
    )
    per_second = summary.total / summary.seconds if summary.seconds else 0.0
    return (
        f"{summary.total} events in {summary.seconds:.1f} s ({per_second:.0f}/s): {summary.recorded} recorded, "
        f"{summary.repeated} known already, {summary.refused.total()} refused{f' ({refused})' if refused else ''}\n"
        f"latency in ms: {shares}; sent again: {summary.resent}"
    )
