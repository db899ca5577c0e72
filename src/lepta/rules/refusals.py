"""From a faulty document to a refusal that says where, what is wrong and what to do."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lepta.errors import InvalidRequest

Fault = dict[str, str]
MOST_FAULTS = 40
"""Whoever made more is not helped by reading them all, and looking for what was meant takes time."""
Model = TypeVar("Model", bound=BaseModel)


def fault(path: str, reason: str) -> Fault:
    """One entry of `InvalidRequest.members["errors"]`."""
    return {"path": path, "reason": reason}


def plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as JSON would carry it: YAML's unquoted dates become strings. Raises `InvalidRequest`."""
    try:
        value = orjson.loads(orjson.dumps(document))
    except (TypeError, ValueError) as error:
        reason = f"cannot be written as JSON ({error}): quote names and numbers that are texts"
        raise InvalidRequest([fault("", reason)]) from error
    if not isinstance(value, dict):
        raise InvalidRequest([fault("", "write an object with the document's fields")])
    return value


def read(model: type[Model], document: Mapping[str, Any], path: str = "") -> Model:
    """`document` as a `model`; raises `InvalidRequest` with its faults, at most `MOST_FAULTS`, each below `path`."""
    try:
        return model.model_validate_json(orjson.dumps(document))
    except ValidationError as error:
        found = error.errors(include_url=False)[:MOST_FAULTS]
        faults = [_fault(model, e, path) for e in found]
        raise InvalidRequest(faults) from error


def joined(*parts: str | int) -> str:
    """A path: names and positions with dots between them."""
    return ".".join(str(part) for part in parts if part != "")


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """`: did you mean "x"?`, or what may be written there if nothing known looks like `name`."""
    near = difflib.get_close_matches(name, known, n=1)
    return f'did you mean "{near[0]}"?' if near else f"use only {', '.join(known)}"


def _fault(model: type[BaseModel], error: ErrorDetails, path: str) -> Fault:
    return fault(joined(path, *error["loc"]), _reason(model, error))


def _reason(model: type[BaseModel], error: ErrorDetails) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        name = str(error["loc"][-1])
        return f"unknown field; {_elsewhere(model, name) or _near(model, error['loc'])}"
    if kind == "string_type" and isinstance(error["input"], int | float):
        kind = "number_for_string"
    remedy = _REMEDIES.get(kind) or _REMEDIES.get(kind.split("_")[0], "{msg}: correct it")
    return remedy.format(msg=error["msg"], **error.get("ctx", {}))


_REMEDIES = {
    "missing": "is missing: add it",
    "value_error": "{error}",
    "literal_error": "write one of {expected}",
    "enum": "write one of {expected}",
    "string_pattern_mismatch": "write 1 to 64 of the characters a-z, 0-9 and -",
    "number_for_string": "write a text in quotes, not a bare number",
    "int": "write a whole number without quotes or decimals (minor units, or smallest points)",
    "string": "{msg}: correct the text",
    "string_type": "write a text",
    "date": 'write a date such as "2026-10-01"',
    "model": "write an object with fields",
    "dict": "write an object with fields",
    "tuple": "write a list in [ ]",
    "bool": "write true or false",
    "greater": "{msg}: raise it",
    "less": "{msg}: lower it",
    "too_short": "is empty: fill it in, or leave it out",
    "too_long": "has more than {max_length} entries: shorten it",
    "string_too_short": "is empty: correct the text, or leave it out",
    "string_too_long": "has more than {max_length} characters: shorten it",
}


def _near(model: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    place = model
    for step in loc[:-1]:
        place = _fields(place).get(str(step), place)
    return did_you_mean(str(loc[-1]), list(_fields(place)))


def _elsewhere(model: type[BaseModel], name: str) -> str:
    """Where in the document a misplaced field belongs; empty if nowhere."""
    for place, names in _places(model, ""):
        if place and name in names:
            return f'it belongs to "{place}": put it there'
    return ""


def _places(model: type[BaseModel], path: str) -> Iterator[tuple[str, list[str]]]:
    fields = _fields(model)
    yield path, list(fields)
    for name, inner in fields.items():
        if inner is not BaseModel:
            yield from _places(inner, joined(path, name))


def _fields(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Names as documents write them, each with the model inside it (`BaseModel` itself: none)."""
    if model is BaseModel:
        return {}
    return {
        info.alias or name: _model_in(info.annotation) for name, info in model.model_fields.items()
    }


def _model_in(annotation: Any) -> type[BaseModel]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in inner if model is not BaseModel), BaseModel)
