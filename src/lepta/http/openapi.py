"""The published description of the API."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

DESCRIPTION = """\
Point-of-sale transaction processing: bonus points, donations, a verifiable ledger, receipts.

Money is integers in minor units of `currency`, points are integers in the programme's smallest unit, quantities and
rates are decimal strings, times RFC 3339 with an offset. Unknown fields are refused. Every refusal is a problem
document (RFC 9457); branch on its `type`.
"""


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes
        )
        components = document.setdefault("components", {}).setdefault("schemas", {})
        document["paths"] = _hoist(document["paths"], components)
        # FastAPI's own form of a validation error is never answered.
        for unused in ("HTTPValidationError", "ValidationError"):
            components.pop(unused, None)
        app.openapi_schema = document
    return app.openapi_schema


def _hoist(node: Any, components: dict[str, Any]) -> Any:
    """`node` with every schema that names its component moved there, and its definitions with it."""
    if isinstance(node, list):
        return [_hoist(item, components) for item in node]
    if not isinstance(node, dict):
        return node
    if "x-component" not in node:
        return {key: _hoist(value, components) for key, value in node.items()}
    schema = dict(node)
    name = schema.pop("x-component")
    for inner, definition in schema.pop("$defs", {}).items():
        _add(components, inner, definition)
    _add(components, name, schema)
    return {"$ref": f"#/components/schemas/{name}"}


def _add(components: dict[str, Any], name: str, schema: dict[str, Any]) -> None:
    assert components.setdefault(name, schema) == schema, f"two schemas are called {name}"
