"""`lepta campaigns apply`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
import yaml

from lepta.campaigns import store
from lepta.campaigns.compile import check_campaign
from lepta.campaigns.service import Published
from lepta.commands.opening import Opened, opened
from lepta.db import Database
from lepta.errors import DomainError
from lepta.parties import store as parties
from lepta.rules.document import Known
from lepta.rules.rulebook import Rulebook
from lepta.runtime import publisher_of, writing
from lepta.settings import Settings

Written = tuple[Path, dict[str, Any]]
"""A campaign document and the file it stands in."""


class WrongFile(DomainError):
    """A file does not hold what it should."""

    code = "wrong-file"


def apply(settings: Settings, files: Sequence[Path]) -> None:
    """Save and publish all documents of all files in one change of the rulebook, or none of them."""
    written = [(file, document) for file in files for document in read(file)]
    if not written:
        raise WrongFile(f"No campaign stands in {', '.join(map(str, files))}.")
    with opened(settings) as found:
        published = asyncio.run(_publish(found, written))
    for campaign in published:
        typer.echo(f"{campaign.campaign}: version {campaign.version}")
    typer.echo(f"Rulebook sha256:{published[-1].rulebook.hex()}")


def read(file: Path) -> list[dict[str, Any]]:
    """The documents of one file; raises `WrongFile` naming it."""
    try:
        found = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WrongFile(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    documents = [document for document in found if document is not None]
    for document in documents:
        if not isinstance(document, dict) or "campaign" not in document:
            raise WrongFile(f"{file} does not hold a campaign: it begins with `campaign: its-id`.")
    return documents


async def _publish(found: Opened, written: Sequence[Written]) -> list[Published]:
    database = Database(found.address, pool_size=4)
    try:
        async with writing(database, found.settings) as writer:
            publisher = publisher_of(database, writer)
            await publisher.catch_up()
            await _check(database, writer.rulebooks.newest, written)
            return await publisher.apply([document for _, document in written])
    finally:
        await database.close()


async def _check(database: Database, rulebook: Rulebook, written: Sequence[Written]) -> None:
    """Refuse all files for the faults of any, each fault with its file."""
    async with database.read() as tx:
        stores, regions = await store.places(tx)
        kinds, programmes_of = await parties.kinds(tx), rulebook.programmes_of_campaigns()
        known = Known(kinds, rulebook.programmes, stores, regions, programmes_of)
    faults = [fault for file, document in written if (fault := _fault(file, document, known))]
    if faults:
        raise WrongFile("Nothing was applied.\n" + "\n".join(faults))


def _fault(file: Path, document: dict[str, Any], known: Known) -> str | None:
    try:
        check_campaign(str(document["campaign"]), document, known)
    except DomainError as error:
        places = error.members.get("errors", [])
        said = "; ".join(f"{e['path'] or 'document'}: {e['reason']}" for e in places) or str(error)
        return f"{file}: {said}"
    return None
