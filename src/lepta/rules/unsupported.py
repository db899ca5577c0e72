"""What the rule language names and this version does not do yet: refused by name, never ignored."""

from collections.abc import Mapping
from typing import Any

from lepta.errors import NotSupported

_BY_TIER = "a bonus by tier"
_FORMS = {"effect.earn.by_tier": _BY_TIER}
"""Ways to give: whoever names one, means it, however little it holds."""
_NOT_VALUES = {
    ("kind", "discount"): "kind discount",
    ("kind", "coupon"): "kind coupon",
    ("kind", "message"): "kind message",
    ("effect.from", "shopper-points"): "giving the shopper's points",
}


def refuse(document: Mapping[str, Any]) -> None:
    """Raise `NotSupported` for the first such place; what equals the default says nothing and passes."""
    _refuse_forms(document)
    for (path, value), what in _NOT_VALUES.items():
        if _at(document, path) == value:
            raise NotSupported(path, what)


def _refuse_forms(document: Mapping[str, Any]) -> None:
    for path, what in _FORMS.items():
        if _at(document, path) is not None:
            raise NotSupported(path, what)
    steps = _at(document, "effect.earn.ladder")
    for n, step in enumerate(steps if isinstance(steps, list) else ()):
        if _at(step, "by_tier") is not None:
            raise NotSupported(f"effect.earn.ladder.{n}.by_tier", _BY_TIER)


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document
