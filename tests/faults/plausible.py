"""Hooks of schemathesis: bodies that the founding shop can take, so that what follows from an answer is reached.

Loaded by its command line (`SCHEMATHESIS_HOOKS`), in the phase that follows links. Numbers of sales are few, so
that voids and returns find them.
"""

from typing import Any

import schemathesis

_TILL = {"store": "nsk-07", "till": "3", "business_day": "2026-11-22"}
_CARD = "2900000000018"
_FEW = 7


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """A body that names sale, card or till, with those of the shop; any other as it was drawn."""
    if not isinstance(body, dict):
        return body
    if isinstance(body.get("lines"), list) and "total" in body:
        return _return(body) if "original" in body else _sale(body)
    told = {**body, "card": _CARD} if "card" in body else dict(body)
    if "points" in told:
        told |= {"points": 1 + _number(told["points"]) % 3}
    if {"store", "till", "business_day", "sequence"} <= set(body):
        told |= {**_TILL, "sequence": _number(body["sequence"]) % _FEW}
    return told


def _sale(body: dict[str, Any]) -> dict[str, Any]:
    lines = _lines(body, sku="4600000000015")
    return {
        **_TILL, "sequence": _number(body.get("sequence")) % _FEW, "occurred_at": "2026-11-22T18:15:03+07:00",
        "currency": "RUB", "card": _CARD, "lines": lines, "total": sum(line["amount"] for line in lines),
    }  # fmt: skip


def _return(body: dict[str, Any]) -> dict[str, Any]:
    number = _number(body.get("sequence"))
    lines = [{**line, "amount": 1} for line in _lines(body)[:1]]
    return {
        **_TILL, "sequence": number % _FEW, "occurred_at": "2026-11-22T19:15:03+07:00",
        "original": {**_TILL, "sequence": number // _FEW % _FEW}, "lines": lines, "total": 1,
    }  # fmt: skip


def _lines(body: dict[str, Any], **more: str) -> list[dict[str, Any]]:
    count = 1 + len(body["lines"]) % 3
    return [{"line": n, "quantity": "1", "amount": 10_000 * n, **more} for n in range(1, count + 1)]


def _number(drawn: Any) -> int:
    return abs(drawn) if isinstance(drawn, int) else 1
