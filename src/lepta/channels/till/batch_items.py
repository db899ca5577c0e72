"""What a till has stored while it was offline: an array of `{"checkout": …}`, `{"void": …}` and `{"return": …}`."""

import re
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, Field, RootModel

from lepta.channels.till.reversal_schemas import ReturnBody, VoidBody
from lepta.channels.till.schemas import CheckoutBody
from lepta.errors import InvalidRequest
from lepta.http.bodies import Body

MAX_ITEMS = 10_000
KINDS = ("checkout", "void", "return")

_SPACE = rb"[ \t\r\n]*"
_NAMED = re.compile(rb'%b\{%b("(?:[^"\\]|\\.){1,64}")%b:%b' % (_SPACE, _SPACE, _SPACE, _SPACE))


class CheckoutItem(Body):
    """A sale."""

    checkout: CheckoutBody


class VoidItem(Body):
    """A void."""

    void: VoidBody


class ReturnItem(Body):
    """A return."""

    return_: Annotated[ReturnBody, Field(alias="return")]


class BatchBody(RootModel[tuple[CheckoutItem | VoidItem | ReturnItem, ...]]):
    """Events of a till, the earliest first: for the description only, the items are read one by one."""


class ItemAnswer(BaseModel):
    """What became of an item."""

    status: int = Field(description="As it would have been alone.")
    body: dict[str, Any] = Field(description="The answer, or the problem document.")


class BatchAnswer(BaseModel):
    """What became of each item, in order."""

    results: list[ItemAnswer]


class NoItem(InvalidRequest):
    """The request is malformed or a field is invalid."""

    def __init__(self) -> None:
        reason = (
            'write {"checkout": {…}}, {"void": {…}} or {"return": {…}}, one of them in each item'
        )
        super().__init__([{"path": "", "reason": reason}])


def unwrap(item: bytes) -> tuple[str, bytes]:
    """(kind, the bytes of its document, which may be anything) of an item; raises `NoItem`."""
    named, end = _NAMED.match(item), item.rstrip(b" \t\r\n")
    if named is None or end[-1:] != b"}":
        raise NoItem
    kind = _name(named[1])
    if kind not in KINDS:
        raise NoItem
    return kind, end[named.end() : -1]


def _name(quoted: bytes) -> str:
    try:
        return str(orjson.loads(quoted))
    except orjson.JSONDecodeError:
        return ""


def holds_more(item: bytes) -> bool:
    """Whether an item is an object of several members: what follows the first is no part of its document."""
    try:
        told = orjson.loads(item)
    except orjson.JSONDecodeError:
        return False
    return isinstance(told, dict)
