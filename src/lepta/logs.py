"""Structured logs: one JSON object a line. No secrets and no personal data may be passed to them."""

import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any, BinaryIO

import orjson
import structlog


def configure(stream: BinaryIO | None = None) -> None:
    """From now on every logger of this process writes to `stream` (standard error if None), each line at once."""
    structlog.configure(
        logger_factory=structlog.BytesLoggerFactory(stream or sys.stderr.buffer),
        processors=_processors(),
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        cache_logger_on_first_use=True,
    )


def make_log(stream: BinaryIO | None = None) -> Any:
    """A logger that writes to `stream` (standard error if None), each line at once."""
    return structlog.wrap_logger(
        structlog.BytesLogger(stream or sys.stderr.buffer),
        processors=_processors(),
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        cache_logger_on_first_use=True,
    )


def _processors() -> list[Any]:
    stamp = structlog.processors.TimeStamper("iso")
    return [structlog.processors.add_log_level, stamp, _render]


def _render(_logger: Any, _name: str, event: Any) -> bytes:
    return orjson.dumps(event, default=str)


def described(error: BaseException) -> dict[str, Any]:
    """An error for the log: where it happened and of what sort, without its words.

    Messages of databases, parsers and assertions quote the values they stumbled over, a name or a card among them.
    """
    causes = list(_chain(error))
    told = {
        "sqlstate": getattr(causes[-1], "sqlstate", None),
        "constraint": getattr(causes[-1], "constraint_name", None),
        "errno": getattr(causes[-1], "errno", None),
    }
    return {
        "error": [f"{type(cause).__module__}.{type(cause).__qualname__}" for cause in causes],
        "at": _frames(causes[-1].__traceback__),
        **{name: value for name, value in told.items() if value is not None},
    }


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, the first cause last."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _frames(trace: TracebackType | None) -> list[str]:
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(
            f"{code.co_filename.rpartition('/site-packages/')[2]}:{trace.tb_lineno} {code.co_name}"
        )
        trace = trace.tb_next
    return places[-12:]
