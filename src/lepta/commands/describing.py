"""`lepta openapi`."""

from pathlib import Path

import orjson
import typer

from lepta.main import create_app
from lepta.settings import Settings


def document() -> str:
    """The API's description, laid out so that a change of one thing changes few lines."""
    described = create_app(Settings()).openapi()
    return (
        orjson.dumps(described, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"
    )


def openapi(file: Path | None) -> None:
    """Print the description, or write it to `file`."""
    if file is None:
        typer.echo(document(), nl=False)
    else:
        file.write_text(document(), encoding="utf-8")
