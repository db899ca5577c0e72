"""Structured logs: one JSON object a line. No secrets and no personal data may be passed to them."""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from types import TracebackType
from typing import Any, BinaryIO

import orjson
import structlog


def configure(stream: BinaryIO | None = None) -> None:
    """Send what this process logs, by structlog or by Python's own logging, to `stream` (None: standard error)."""
    target = stream or sys.stderr.buffer
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(target),
        cache_logger_on_first_use=True,
    )
    handler = _Handler()
    handler.setLevel(logging.WARNING)
    logging.root.handlers[:] = [handler]


def json_log(stream: BinaryIO) -> Any:
    """A logger of its own, which writes to `stream` whatever is configured."""
    return structlog.wrap_logger(
        structlog.BytesLogger(stream),
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )


class _Handler(logging.Handler):
    """Lines of libraries, in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on."""
        error = record.exc_info[1] if record.exc_info else None
        told = described(error) if error else {}
        log = structlog.get_logger(record.name)
        log.log(record.levelno, record.getMessage(), logger=record.name, **told)


def _without_words(
    _logger: Any, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """`log.exception(…)` tells where and what sort, not what the error says."""
    if event.pop("exc_info", None):
        error = sys.exception()
        event.update(described(error) if error else {})
    return event


def _render(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> bytes:
    return orjson.dumps(event, default=str)


_PROCESSORS: list[Any] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper("iso"),
    _without_words,
    _render,
]


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
        file = code.co_filename.rpartition("/site-packages/")[2]
        places.append(f"{file}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-12:]
