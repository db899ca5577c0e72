"""What is kept of every request: its id, one observation, one line of the log, its crash."""

import re
from collections.abc import Collection
from itertools import count
from secrets import token_hex
from time import monotonic
from typing import Any, NamedTuple

from lepta.http.metrics import Metrics
from lepta.logs import described
from lepta.processing.events import TooBusy

SLOW_S = 1.0
MOST_LINES = 10
"""A second, of what was turned away since too much came."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CLIENT_LEFT = 499
"""Status in log and metrics of a request whose client did not wait for the answer."""

_SANE_ID = re.compile(r"(?!\d+\Z)[A-Za-z0-9._-]{1,64}\Z", re.ASCII)
"""Not digits alone: what a client takes for its request's id may be a card's number, and ids stand in the log."""


class Asked(NamedTuple):
    """Which request it was."""

    request_id: str
    method: str
    route: str
    """The template, never the path: a path may name a card."""


class Journal:
    """`log` gets one line a request, `metrics` one observation.

    `quiet` are (method, route) without a line for what was done in time. A sale stands in the ledger and is
    counted; at hundreds a second its line would bury those that matter. So would those of a crowd that is turned away:
    of these there are `MOST_LINES` a second, the metrics count all.
    """

    def __init__(
        self, log: Any, metrics: Metrics, *, quiet: Collection[tuple[str, str]] = ()
    ) -> None:
        self._log = log
        self._metrics = metrics
        self._quiet = frozenset(quiet)
        self._second, self._lines = 0, 0
        self._prefix = token_hex(4)
        self._numbers = count(1)

    def request_id(self, given: str | None) -> str:
        """The client's own id for a request if it is a sane one, else one of ours."""
        if given is not None and _SANE_ID.match(given):
            return given
        return f"{self._prefix}-{next(self._numbers):x}"

    def record(self, asked: Asked, status: int, seconds: float, refusal: str | None = None) -> None:
        """One request, once it is answered. `status` 0: its client did not wait."""
        request_id, method, route = asked
        method = method if method in METHODS else "other"
        status = status or CLIENT_LEFT
        self._metrics.observe(route, method, status, seconds)
        if status < 300 and seconds < SLOW_S and (method, route) in self._quiet:
            return
        if refusal == TooBusy.code and self._has_told_enough():
            return
        told: dict[str, Any] = {
            "request": request_id,
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 2),
        }
        if refusal is not None:
            told["refusal"] = refusal
        self._log.info("request", **told)

    def _has_told_enough(self) -> bool:
        second = int(monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        return self._lines > MOST_LINES

    def crashed(self, asked: Asked, error: BaseException) -> None:
        """A bug: nobody expected `error`."""
        self._log.error("crash", request=asked.request_id, route=asked.route, **described(error))
