"""A back-test from its documents to its report, in one unchanging view of the database."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import asyncpg

from lepta.campaigns.compile import check_campaign
from lepta.db import Address
from lepta.errors import DomainError, InvalidRequest
from lepta.rules.envelope import read
from lepta.rules.known import Known
from lepta.rules.refusals import Fault, fault
from lepta.rules.schedule import FIRST_DAY
from lepta.simulation import queries
from lepta.simulation.plan import Document, Plan, Span, below, plan
from lepta.simulation.report import Report, report
from lepta.simulation.workers import NAME, POOL_FROM, processors, settled
from lepta.verification.source import view
from lepta.verification.workers import uncollected

EARLY = timedelta(days=7)
"""A receipt that came in so much before its own business day is not looked for: no clock is that wrong for long."""
Checked = TypeVar("Checked")
Progress = Callable[[int, int], None]
"""Called with (events done, events in all) as the work goes on."""


class NoReceipts(DomainError):
    """No receipt of these days is recorded.

    A campaign is tried on receipts: choose days on which there were some. Days are business days, as the tills
    said them.
    """

    code = "no-receipts"

    def __init__(self, span: Span) -> None:
        super().__init__(
            f"No receipt from {span.first} to {span.last} is recorded. Choose days with sales.",
            **{"from": span.first.isoformat(), "to": span.last.isoformat()},
        )


def shaped(documents: Sequence[Any]) -> None:
    """Raise what the form of the documents alone gives reason to: no process has to be started to see it."""
    _each(documents, lambda _, document: read(document))


def checked(documents: Sequence[Any], known: Known) -> list[dict[str, Any]]:
    """The documents as they would be stored. Raises what saving them would, with each one's place before the path."""
    return _each(documents, lambda name, document: check_campaign(name, document, known))


def _each(
    documents: Sequence[Any], check: Callable[[str, Mapping[str, Any]], Checked]
) -> list[Checked]:
    """What `check` makes of each; its faults, of all documents together."""
    made: list[Checked] = []
    faults: list[Fault] = []
    for n, document in enumerate(documents):
        if not isinstance(document, Mapping):
            faults.append(fault(f"campaigns.{n}", "must be an object"))
            continue
        try:
            with below(f"campaigns.{n}"):
                made.append(check(str(document.get("campaign", "")), document))
        except InvalidRequest as refusal:
            faults += refusal.members["errors"]
    if not documents:
        faults.append(fault("campaigns", "is empty: send one campaign at least"))
    if faults:
        raise InvalidRequest(faults)
    return made


async def simulate(
    address: Address,
    documents: Sequence[Document],
    span: Span,
    *,
    progress: Progress | None = None,
    processes: int | None = None,
) -> Report:
    """Try `documents`, published together just before the first receipt of `span`.

    `processes`: by default all processors for a large log, none but this one for a small one. Raises `InvalidRequest`
    and `NotSupported` as saving the documents would, and `NoReceipts`.
    """
    started = time.monotonic()
    async with view(address, name=NAME) as connection:
        size = await queries.size(connection)
        changes = await queries.changes(connection)
        rulebook = queries.newest(changes)
        known = await queries.known(connection, rulebook)
        made = plan(span, checked(documents, known), rulebook, changes, known.closing)
        events, done = range(await _first(connection, made, size), size), 0
        if processes is None:
            processes = processors() if len(events) >= POOL_FROM else 1

        def add(more: int) -> None:
            nonlocal done
            done += more
            if progress:
                progress(done, len(events))

        with uncollected():
            found = await settled(
                connection, address, made, events, processes=processes, progress=add
            )
    if not found.tally.looked_at:
        raise NoReceipts(span)
    return report(made, found, events=done, seconds=time.monotonic() - started)


async def _first(connection: asyncpg.Connection, made: Plan, size: int) -> int:
    """The first event to look at. What counted before the span is followed from the log's first on."""
    if made.follows:
        return 0
    first = max(made.span.first, FIRST_DAY)
    since = datetime.combine(first, datetime.min.time(), UTC) - EARLY
    return await queries.first_since(connection, since, size)
