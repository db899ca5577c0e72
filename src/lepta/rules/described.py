"""The effect forms as the API's description shows them: which fields each has, to whoever writes a document."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from lepta.rules import kinds


@dataclass(frozen=True, slots=True)
class Forms:
    """Beside the type of `effect.earn` or `effect.give`: the forms that may stand there."""

    key: Literal["earn", "give"]

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Pydantic's hook."""
        forms = [
            _form(kind.params.__pydantic_core_schema__, handler)
            for kind in kinds.ALL
            if kind.key == self.key
        ]
        return {"anyOf": [*forms, _BY_TIER] if self.key == "earn" else forms}


_BY_TIER = {
    "type": "object",
    "description": "What each tier earns, by the tier's name: any other form.",
    "properties": {"by_tier": {"type": "object", "additionalProperties": {"type": "object"}}},
    "required": ["by_tier"],
}


def _form(core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
    """A form's fields. They tell it from the others, so its name says nothing; `earn` may hold more beside them."""
    described = handler.resolve_ref_schema(handler(core))
    return {name: described[name] for name in ("type", "properties", "required")}
