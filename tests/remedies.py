"""Whether a refusal says what to do, not only what is wrong."""

import re

_VERBS = (
    "add|begin|call|close|correct|count|create|cut|did you mean|end|fill|give|keep|leave|let|lower|make|move|name|"
    "put|quote|raise|remove|save|say|shorten|split|start|take|takes|unfold|use|write"
)
_REMEDY = re.compile(rf"\b(?:{_VERBS})\b", re.IGNORECASE)


def names_a_remedy(reason: str) -> bool:
    """Whether the sentence has a verb that tells its reader to do something."""
    return _REMEDY.search(reason) is not None
