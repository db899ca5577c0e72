"""`lepta campaigns apply`."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer

from lepta.campaigns import office
from lepta.campaigns.compile import check_campaign
from lepta.campaigns.service import Published
from lepta.commands.documents import Written, WrongFile, read
from lepta.commands.opening import Opened, opened
from lepta.db import Database
from lepta.errors import DomainError
from lepta.rules.known import Known
from lepta.rules.rulebook import Rulebook
from lepta.runtime import publisher_of, writing
from lepta.settings import Settings


def apply(settings: Settings, files: Sequence[Path]) -> None:
    """Save and publish all documents of all files in one change of the rulebook, or none of them."""
    written = [document for file in files for document in read(file)]
    if not written:
        raise WrongFile(f"No campaign stands in {', '.join(map(str, files))}: add one.")
    refuse_twice(written)
    with opened(settings) as found:
        published = asyncio.run(_publish(found, written))
    for campaign in published:
        typer.echo(f"{campaign.campaign}: version {campaign.version}")
    typer.echo(f"Rulebook sha256:{published[-1].rulebook.hex()}")


def refuse_twice(written: Sequence[Written]) -> None:
    """A campaign has one newest version, so one document."""
    first: dict[object, Written] = {}
    for one in written:
        campaign = one.document["campaign"]
        if not isinstance(campaign, str):
            continue
        other = first.setdefault(campaign, one)
        if other is not one:
            places = f"{other.place('campaign')} and in {one.place('campaign')}"
            raise WrongFile(f"The campaign {campaign} stands in {places}: keep one.")


async def _publish(found: Opened, written: Sequence[Written]) -> list[Published]:
    database = Database(found.address, pool_size=4)
    try:
        async with writing(database, found.settings) as writer:
            publisher = publisher_of(database, writer)
            await publisher.catch_up()
            await _check(database, writer.rulebooks.newest, written)
            return await publisher.apply([one.document for one in written])
    finally:
        await database.close()


async def _check(database: Database, rulebook: Rulebook, written: Sequence[Written]) -> None:
    """Refuse all files for the faults of any, each fault with its file."""
    async with database.read() as tx:
        known = await office.known(tx, rulebook, datetime.now(UTC))
    faults = [fault for one in written for fault in _faults(one, known)]
    if faults:
        raise WrongFile("Nothing was applied.\n" + "\n".join(faults))


def _faults(written: Written, known: Known) -> list[str]:
    """One line a fault: where it stands, which part of the document it is, what is wrong and what to do."""
    document = written.document
    try:
        check_campaign(str(document["campaign"]), document, known)
    except DomainError as error:
        places = error.members.get("errors") or [{"path": "", "reason": str(error)}]
        return [
            f"{written.place(e['path'])}: {e['path'] or 'document'}: {e['reason']}" for e in places
        ]
    return []
