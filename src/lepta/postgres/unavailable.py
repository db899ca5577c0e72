"""The one refusal of this package: a server that cannot be had, and what to do about it."""

from typing import ClassVar

from lepta.errors import DomainError, Kind


class PostgresUnavailable(DomainError):
    """The embedded database cannot be used."""

    code: ClassVar[str] = "postgres-unavailable"
    kind: ClassVar[Kind] = Kind.BUSY
