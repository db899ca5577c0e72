"""Request bodies: JSON straight from bytes into a model, and how OpenAPI documents what the code reads itself."""

from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import WithDefaultSchema
from starlette.requests import Request

from lepta.errors import InvalidRequest
from lepta.http.problems import UnsupportedMediaType
from lepta.money import MICRO, Ratio

MAX_DEPTH = 32
JSON = "application/json"
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")


class Body(BaseModel):
    """What comes from outside: strict, unchangeable, without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


B = TypeVar("B", bound=BaseModel)


async def read(request: Request) -> bytes:
    """The body's bytes, of the type and depth that may be parsed. The edge has limited their number."""
    check_type(request)
    raw = await request.body()
    check_depth(raw)
    return raw


async def parse(request: Request, model: type[B]) -> B:
    """The body as `model`; a `ValidationError` on the way becomes a 422 that names every fault."""
    return model.model_validate_json(await read(request))


def check_type(request: Request) -> None:
    """Refuse a body that does not say it is JSON (RFC 9110: parameters and case do not matter)."""
    given = request.headers.get("content-type", "")
    if given != JSON and given.partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMediaType(given[:100])


def check_depth(raw: bytes) -> None:
    """Refuse nesting beyond `MAX_DEPTH` before anything parses it. What is not JSON may pass."""
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return
    # Linear in the body whatever it holds: a pattern for strings would not be.
    unescaped = raw.replace(rb"\\", b"").replace(rb"\"", b"") if b"\\" in raw else raw
    brackets = b"".join(unescaped.split(b'"')[::2]).translate(_ONE_KIND, _NO_BRACKET)
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
