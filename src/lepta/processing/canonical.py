"""Canonical JSON: keys sorted, no spaces, UTF-8, integers and strings only. What is hashed is made here."""

from typing import Any

import orjson


def canonical(document: Any) -> bytes:
    """The one way to write a document as bytes; named tuples are written as arrays."""
    return orjson.dumps(document, default=_array, option=orjson.OPT_SORT_KEYS)


def _array(value: object) -> tuple[Any, ...]:
    if isinstance(value, tuple):
        return tuple(value)
    raise TypeError(f"{type(value).__name__} has no place in canonical JSON")
