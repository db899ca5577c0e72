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
        return f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
    return _of_libraries(error)


def _of_libraries(error: BaseException) -> str | None:
    import asyncpg
    import httpx
    import yaml
    from pydantic import ValidationError
    from sqlalchemy.exc import DBAPIError

    if isinstance(error, yaml.YAMLError):
        return "This is not YAML: " + " ".join(str(error).split())
    if isinstance(error, httpx.HTTPError):
        return (
            f"The service does not answer ({type(error).__name__}). Is `lepta serve` running there?"
        )
    if isinstance(error, asyncpg.PostgresConnectionError):
        return f"The database went away ({error}). Run the command again."
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return "The database went away. Run the command again."
    if isinstance(error, ValidationError) and error.title == "Settings":
        first = error.errors()[0]
        return (
            f"LEPTA_{'_'.join(map(str, first['loc'])).upper()} in the environment: {first['msg']}."
        )
    return None
