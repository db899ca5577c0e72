"""Request bodies: JSON straight from bytes into a model, and how OpenAPI documents what the code reads itself."""

from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import WithDefaultSchema
from starlette.requests import Request

from lepta.errors import InvalidRequest
from lepta.http.problems import TooLarge, UnsupportedMediaType
from lepta.money import MICRO, Ratio

MAX_DEPTH = 32
JSON = "application/json"


class Shape(NamedTuple):
    """How many containers, named fields and values in rows a body may have.

    Whatever stands in it is read, checked and complained of one by one: a megabyte of `{},` would keep
    everybody else waiting for seconds.
    """

    containers: int
    fields: int
    commas: int


ORDINARY = Shape(containers=6_000, fields=24_000, commas=75_000)
"""The longest sale there is: a thousand lines, each with a name in all cases and fifty categories."""
SMALL = Shape(containers=500, fields=500, commas=30_000)
"""A document that people write: long lists of goods, few fields."""

_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")


class Body(BaseModel):
    """What comes from outside: strict, unchangeable, without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


B = TypeVar("B", bound=BaseModel)


async def read(request: Request, shape: Shape = ORDINARY) -> bytes:
    """The body's bytes, of the type, shape and depth that may be parsed. The edge has limited their number."""
    check_type(request.headers.get("content-type", ""))
    return check(await request.body(), shape)


def check(raw: bytes, shape: Shape = ORDINARY) -> bytes:
    """The body, if its shape and depth may be parsed."""
    check_shape(raw, shape)
    check_depth(raw)
    return raw


async def parse(request: Request, model: type[B]) -> B:
    """The body as `model`; a `ValidationError` on the way becomes a 422 that names every fault."""
    return model.model_validate_json(await read(request))


def check_type(given: str) -> None:
    """Refuse a body that does not say it is JSON (RFC 9110: parameters and case do not matter)."""
    if given != JSON and given.partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMediaType(given[:100])


def check_shape(raw: bytes, shape: Shape) -> None:
    """Refuse more parts than `shape` allows before anything parses them. What is not JSON may pass."""
    if len(raw) <= min(shape) or not _exceeded(raw, shape):
        return
    # What stands in texts has been counted, too.
    over = _exceeded(_outside_of_texts(raw), shape)
    if over is not None:
        raise TooLarge(getattr(shape, over), over)


def _exceeded(raw: bytes, shape: Shape) -> str | None:
    counts = Shape(raw.count(b"{") + raw.count(b"["), raw.count(b":"), raw.count(b","))
    return next((n for n in Shape._fields if getattr(counts, n) > getattr(shape, n)), None)


def _outside_of_texts(raw: bytes) -> bytes:
    # Linear in the body whatever it holds: a pattern for strings would not be.
    unescaped = raw.replace(rb"\\", b"").replace(rb"\"", b"") if b"\\" in raw else raw
    return b"".join(unescaped.split(b'"')[::2])


def check_depth(raw: bytes) -> None:
    """Refuse nesting beyond `MAX_DEPTH` before anything parses it. What is not JSON may pass."""
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return
    brackets = _outside_of_texts(raw).translate(_ONE_KIND, _NO_BRACKET)
    for _ in range(MAX_DEPTH):
        inner = brackets.replace(b"[]", b"")
        if not inner:
            return
        if len(inner) == len(brackets):
            break
        brackets = inner
    raise InvalidRequest(
        [{"path": "", "reason": f"is nested deeper than {MAX_DEPTH}, or its brackets do not match"}]
    )


class _Schema(GenerateJsonSchema):
    """Defaults as documents write them, not as the values that are made of them."""

    def encode_default(self, dft: Any) -> Any:
        """A rate as its decimal string; an inner document that is all defaults as {}."""
        if isinstance(dft, Ratio):
            return format(Decimal(dft.numerator) / dft.denominator, "f")
        if isinstance(dft, BaseModel):
            return dft.model_dump(mode="json", exclude_defaults=True)
        return super().encode_default(dft)

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        """A quantity is held in millionths and written as a decimal string."""
        told = super().default_schema(schema)
        if told.get("type") == "string" and isinstance(told.get("default"), int):
            told["default"] = format(Decimal(told["default"]) / MICRO, "f")
        return told


def schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema as OpenAPI wants it; `lepta.http.openapi` moves it among the components."""
    told = model.model_json_schema(
        ref_template="#/components/schemas/{model}", schema_generator=_Schema
    )
    return {"x-component": model.__name__, **told}


def reads(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """`openapi_extra=` of an endpoint that parses its body itself."""
    return {"requestBody": {"required": required, "content": {JSON: {"schema": schema(model)}}}}


def answers(model: type[BaseModel], **descriptions: str) -> dict[int | str, dict[str, Any]]:
    """`responses=` of an endpoint that answers `model`: `answers(Party, s200="Replaced.")`."""
    content = {JSON: {"schema": schema(model)}}
    return {
        int(status[1:]): {"description": text, "content": content}
        for status, text in descriptions.items()
    }
