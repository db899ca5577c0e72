"""What the rule language names and this version does not do yet: refused by name, never ignored."""

from collections.abc import Mapping
from typing import Any

from lepta.errors import NotSupported

_NOT_VALUES = {
    ("kind", "discount"): "kind discount",
    ("kind", "coupon"): "kind coupon",
    ("kind", "message"): "kind message",
}


def refuse(document: Mapping[str, Any]) -> None:
    """Raise `NotSupported` for the first such place."""
    for (path, value), what in _NOT_VALUES.items():
        if _at(document, path) == value:
            raise NotSupported(path, what)


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document
