"""Expected refusals: each a `DomainError` with a code that tills may branch on.

Nothing here knows HTTP. `lepta.http.problems` maps a kind to a status, once.
"""

from enum import Enum
from typing import Any, ClassVar


class Kind(Enum):
    """What sort of refusal it is, independent of the protocol that carries it."""

    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    STALE = "stale"
    UNCONDITIONAL = "unconditional"
    REFUSED = "refused"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"
    BUSY = "busy"


class DomainError(Exception):
    """Base of every expected refusal.

    The message says what, why and what to do next. `members` go into the problem document beside it.
    The first line of a subclass's docstring is its published title.
    """

    code: ClassVar[str]
    kind: ClassVar[Kind] = Kind.REFUSED

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.members = members


def title(error: type[DomainError]) -> str:
    """The published title: the docstring's first line."""
    assert error.__doc__, error
    return error.__doc__.strip().splitlines()[0].rstrip(".")


class InvalidRequest(DomainError):
    """The request is malformed or a field is invalid."""

    code = "invalid-request"

    def __init__(self, errors: list[dict[str, str]], message: str = "") -> None:
        shown = "; ".join(f"{e['path'] or 'body'}: {e['reason']}" for e in errors[:3])
        super().__init__(message or f"Correct these fields and send again: {shown}.", errors=errors)


class NotSupported(DomainError):
    """Something the contract names that this version does not do yet."""

    code = "not-supported"

    def __init__(self, path: str, what: str) -> None:
        super().__init__(
            f"{path}: {what} is not supported by this version. Leave it out and send again.",
            errors=[{"path": path, "reason": f"{what} is not supported by this version"}],
        )
