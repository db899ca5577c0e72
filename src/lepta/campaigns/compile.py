"""From documents to a change of the rulebook: what is checked before, and what the change says."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from lepta.errors import InvalidRequest
from lepta.receipts.blanks import TemplateFault
from lepta.receipts.template import (
    BONUS_VARIABLES,
    DONATION_VARIABLES,
    compile_template,
)
from lepta.rules import document as rules
from lepta.rules.campaign import compile_campaign
from lepta.rules.counted import refuse_uncounted
from lepta.rules.envelope import CampaignDocument
from lepta.rules.known import Known
from lepta.rules.programme import validate_programme
from lepta.rules.refusals import fault, plain
from lepta.rules.rulebook import PublishedCampaign, PublishedProgramme, Rulebook

_FIRST_YEAR, _LAST_YEAR = 1900, 8999
"""Beyond them a moment in one zone may be none in another."""


def check_campaign(campaign: str, document: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """The document as it is stored; raises `InvalidRequest` or `NotSupported` with the place of each fault.

    As a next version it has to fit those that are published: a limit cannot be brought in later.
    """
    stored = plain(document)
    said = rules.validate(stored, known)
    _refuse_unstorable(stored)
    faults = [*_template_faults(said)]
    if said.campaign != campaign:
        faults.append(fault("campaign", f'must be "{campaign}", as in the address'))
    if faults:
        raise InvalidRequest(faults)
    before = known.versions(campaign)
    if before:
        refuse_uncounted(before, compile_campaign(stored, before[-1].programme, 0))
    return stored


def check_programme(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as it is stored; raises `InvalidRequest` with every fault."""
    stored = plain(document)
    validate_programme(stored)
    _refuse_unstorable(stored)
    return stored


def _refuse_unstorable(document: Mapping[str, Any]) -> None:
    """PostgreSQL's texts cannot hold U+0000. Escaped backslashes go first: only a real escape is left."""
    if b"\\u0000" in orjson.dumps(document).replace(rb"\\", b""):
        raise InvalidRequest([fault("", "contains the character U+0000: leave it out")])


def _template_faults(said: CampaignDocument) -> list[dict[str, str]]:
    allowed = DONATION_VARIABLES if said.kind == "donation" else BONUS_VARIABLES
    faults = []
    for language, text in said.receipt.items():
        try:
            compile_template(text, language, allowed)
        except TemplateFault as error:
            faults.append(fault(f"receipt.{language}", str(error)))
    return faults


def next_campaign(
    before: Rulebook,
    campaign: str,
    version: int,
    document: Mapping[str, Any],
    *,
    now: datetime,
    from_at: datetime | None,
) -> PublishedCampaign:
    """A version as it goes into the rulebook: the first in force always, a later one from now, unless `from_at` says."""
    if from_at is not None and not _FIRST_YEAR <= from_at.year <= _LAST_YEAR:
        reason = f"lies outside of the years {_FIRST_YEAR} to {_LAST_YEAR}: correct it"
        raise InvalidRequest([fault("from", reason)])
    known = before.campaign(campaign) is not None
    if known and from_at is not None and from_at < now.replace(microsecond=0):
        raise InvalidRequest(
            [fault("from", "lies in the past: leave it out to publish from now on")]
        )
    return PublishedCampaign(campaign, version, from_at or (now if known else None), document)


def next_programme(
    before: Rulebook, programme: str, version: int, document: Mapping[str, Any], *, now: datetime
) -> PublishedProgramme:
    """The same for a programme."""
    return PublishedProgramme(
        programme, version, now if before.has_programme(programme) else None, document
    )
