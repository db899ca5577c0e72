"""What goes wrong for reasons outside the program, in one line for whoever typed the command."""

from lepta.errors import DomainError


def sentence(error: BaseException) -> str | None:
    """The line to show, or None for what only a bug explains (that keeps its traceback)."""
    if isinstance(error, BaseExceptionGroup):
        lines = [sentence(inner) for inner in error.exceptions]
        return None if None in lines else lines[0]
    if isinstance(error, DomainError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename}" if error.filename else in_line(error)
    return _of_libraries(error)


def _of_libraries(error: BaseException) -> str | None:
    import httpx
    import yaml
    from pydantic import ValidationError

    if isinstance(error, yaml.YAMLError):
        return f"This is not YAML: {in_line(error)}"
    if isinstance(error, httpx.HTTPError):
        return (
            f"The service does not answer ({type(error).__name__}). Is `lepta serve` running there?"
        )
    if isinstance(error, ValidationError) and error.title == "Settings":
        first = error.errors()[0]
        return (
            f"LEPTA_{'_'.join(map(str, first['loc'])).upper()} in the environment: {first['msg']}."
        )
    return _of_the_database(error)


def in_line(error: BaseException) -> str:
    """What an error says, in one line: PostgreSQL's details and hints stand on lines of their own."""
    return " ".join(str(error).split()) or type(error).__name__


def _of_the_database(error: BaseException) -> str | None:
    """Of a connection that fails or a right that is missing; a wrong statement is a bug."""
    import asyncpg
    from sqlalchemy.exc import DBAPIError

    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return "The database went away. Run the command again."
        cause = error.orig.__cause__ if error.orig else None
        return _of_the_database(cause) if cause else None
    if isinstance(error, asyncpg.PostgresConnectionError):
        return f"The database went away ({in_line(error)}). Run the command again."
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return (
            f"The database refuses its user ({in_line(error)}). `lepta migrate` needs the database's owner, "
            "with CREATEROLE unless lepta_service exists; everything else needs lepta_service."
        )
    if isinstance(error, asyncpg.InterfaceError | asyncpg.PostgresError) and _is_about_connecting(
        error
    ):
        return (
            f"The database does not let us in ({in_line(error)}). Check its URL and that it runs."
        )
    return None


def _is_about_connecting(error: BaseException) -> bool:
    """By SQLSTATE class: 28 and 3D name a wrong user or database, 53 a full server, 57P one that stops."""
    state = getattr(error, "sqlstate", None) or ""
    return isinstance(error, ConnectionError) or state.startswith(("28", "3D", "53", "57P"))
