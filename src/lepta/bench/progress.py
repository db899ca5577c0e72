"""What the bench is doing, on stderr: one bar over the time that all is expected to take."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class Steps:
    """A bar that jumps by what each step was expected to take; on a pipe, a line a step."""

    def __init__(self, expected_s: float) -> None:
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn(),
            console=self._console, transient=True, disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=expected_s)
        self._begun = time.monotonic()
        self._running_s = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def next(self, what: str, expected_s: float) -> None:
        """A new step begins, and with it the one before has ended."""
        self._bar.update(self._task, advance=self._running_s, description=what)
        self._running_s = expected_s
        if not self._console.is_terminal:
            self._console.print(
                f"[{time.monotonic() - self._begun:4.0f} s] {what}", highlight=False, markup=False
            )
