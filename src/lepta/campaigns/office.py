"""What campaigns may name, of the office's records as they stand."""

from datetime import UTC, datetime

from lepta.campaigns import store as sql
from lepta.db import Tx
from lepta.parties import store as parties
from lepta.rules.known import Known
from lepta.rules.rulebook import Rulebook


async def known(tx: Tx, rulebook: Rulebook, now: datetime) -> Known:
    """`rulebook`: the newest, which has the programmes."""
    return Known(
        parties=await parties.kinds(tx),
        programmes=rulebook.programmes,
        stores=await sql.places(tx),
        campaigns=rulebook.programmes_of_campaigns(),
        versions=rulebook.versions,
        closing=await parties.closing(tx),
        today=now.astimezone(UTC).date(),
    )
