"""`lepta bench`."""

from pathlib import Path

from lepta.bench.run import Options
from lepta.bench.run import run as measure
from lepta.commands.opening import settings_of


def bench(
    database_url: str | None,
    data_dir: Path | None,
    *,
    json: str | None,
    compare: Path | None,
    rows: tuple[str, ...],
    quick: bool,
) -> int:
    """Measure on the given place, else on a new temporary one; returns the exit code."""
    settings = settings_of(database_url, data_dir)
    if database_url is None and data_dir is None:
        settings = settings.model_copy(update={"database_url": None, "data_dir": None})
    return measure(Options(settings, json, compare, rows, quick))
