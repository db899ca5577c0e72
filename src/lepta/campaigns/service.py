"""Saving programmes and campaigns, and publishing them: in the rulebook, once, whatever crashes in between.

What is in force stands in the rulebook alone. Each publication compares with it first, so one that was cut off
after it took effect changes nothing when it is asked for again, and one that was cut off before is made up for.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from lepta.campaigns import office
from lepta.campaigns import store as sql
from lepta.campaigns.compile import check_campaign, check_programme, next_campaign, next_programme
from lepta.campaigns.store import Draft, Entry
from lepta.db import Database, Tx
from lepta.errors import DomainError, InvalidRequest, Kind
from lepta.parties.tables import programme as programme_table
from lepta.revisions import Expected, NotFound, Saved, Stale, etag, lock, write
from lepta.rules import rulebook as rules
from lepta.rules.known import Known
from lepta.rules.lifecycle import Life, State, life_of
from lepta.rules.refusals import fault
from lepta.rules.rulebook import Change, Item, Paused, Rulebook, second

FIXED = ("currency", "points_scale")
"""What of a programme can never change: points and money that are booked already would mean something else."""

_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


class NotPublished(DomainError):
    """The campaign was never published.

    Only what has been in force can be paused or ended. Publish the campaign first, or leave it a draft.
    """

    code = "not-published"
    kind = Kind.CONFLICT

    def __init__(self, campaign: str) -> None:
        super().__init__(
            f"Campaign {campaign!r} was never published, so it cannot be paused or ended.",
            id=campaign,
        )


class Ended(DomainError):
    """The campaign has ended.

    It was ended for good: it gives nothing from then on, and no version of it can be saved or published. Sales from
    before are still decided by it, late ones too. To go on, save the document under another id.
    """

    code = "campaign-ended"
    kind = Kind.CONFLICT

    def __init__(self, campaign: str) -> None:
        super().__init__(
            f"Campaign {campaign!r} has ended for good. To go on, save its document under another id.",
            id=campaign,
        )


class Published(NamedTuple):
    """What stands in the rulebook now."""

    campaign: str
    version: int
    rulebook: bytes


@dataclass(frozen=True, slots=True)
class Publisher:
    """Programmes and campaigns of one database."""

    db: Database
    record: Callable[[bytes], Awaitable[bytes]]
    """Writes a change to the log; returns the digest of the rulebook after it."""
    newest: Callable[[], Rulebook]
    """A rulebook that this process has already; it may lag behind the database."""
    clock: Callable[[], datetime]

    async def put_programme(
        self, programme: str, document: Mapping[str, Any], expected: Expected
    ) -> Saved:
        """Create or replace a programme and publish it."""
        stored = check_programme(document)
        async with self.db.begin() as tx:
            await sql.take_turn(tx)
            old = await lock(tx, programme_table, programme, expected)
            await _keep_fixed(tx, programme, stored)
            saved = await write(tx, programme_table, {"id": programme, "document": stored}, old)
        await self.catch_up()
        return saved

    async def get_programme(self, programme: str) -> tuple[Mapping[str, Any], int]:
        """A programme's document and revision."""
        async with self.db.read() as tx:
            found = await sql.find_programme(tx, programme)
        if found is None:
            raise NotFound("programme", programme)
        return found

    async def catch_up(self) -> None:
        """Publish every programme that is saved in a newer revision than the rulebook has."""
        async with self.db.begin() as tx:
            await sql.take_turn(tx)
            rulebook, now = await self._rulebook(tx), self.clock()
            known = rulebook.programmes
            items = [
                next_programme(rulebook, name, revision, document, now=now)
                for name, document, revision in await sql.programmes(tx)
                if name not in known or known[name].version < revision
            ]
            if items:
                await self.record(Change(tuple(items)).canonical())

    async def put_campaign(
        self, campaign: str, document: Mapping[str, Any], expected: Expected
    ) -> Saved:
        """Save a new version of a campaign, unpublished."""
        async with self.db.begin() as tx:
            old = await sql.newest(tx, campaign, lock=True)
            version = old.version if old else 0
            expected.check(version or None)
            _refuse_ended(await self._rulebook(tx), campaign)
            stored = check_campaign(campaign, document, await self._known(tx))
            if not await sql.add(tx, campaign, version + 1, stored):
                raise Stale(etag(version + 1))
        return Saved(version + 1, created=not version)

    async def get_campaign(self, campaign: str) -> Draft:
        """The newest version of a campaign, published or not."""
        async with self.db.read() as tx:
            found = await sql.newest(tx, campaign)
        if found is None:
            raise NotFound("campaign", campaign)
        return found

    async def publish(self, campaign: str, from_at: datetime | None = None) -> Published:
        """Put the newest version in force, from `from_at` if given. Twice is once.

        Raises `InvalidRequest` if it is published already and `from_at` is another time than then.
        """
        draft = await self.get_campaign(campaign)
        (done,) = await self._publish([draft], from_at)
        return done

    async def state(self, campaign: str) -> tuple[Draft, Life, bytes]:
        """The newest version of a campaign, where it stands by now, and the rulebook that says so."""
        draft = await self.get_campaign(campaign)
        async with self.db.read() as tx:
            rulebook = await self._rulebook(tx)
        return draft, life_of(rulebook, campaign, self.clock()), rulebook.digest

    async def campaigns(
        self, after: str, limit: int, state: State | None
    ) -> tuple[list[tuple[Entry, Life]], str | None]:
        """A page of all campaigns by id, or of those in one state; and after which id the next page begins."""
        async with self.db.read() as tx:
            rulebook = await self._rulebook(tx)
            entries = await sql.entries(tx, after)
        now = self.clock()
        found: list[tuple[Entry, Life]] = []
        for entry in entries:
            life = life_of(rulebook, entry.campaign, now)
            if state is None or life.state == state:
                if len(found) == limit:
                    return found, found[-1][0].campaign
                found.append((entry, life))
        return found, None

    async def pause(self, campaign: str) -> Published:
        """Take a campaign out of force from now on, until its next publication. Twice is once."""
        return await self._take_out(campaign, Paused)

    async def end(self, campaign: str) -> Published:
        """Take a campaign out of force from now on, for good. Twice is once."""
        return await self._take_out(campaign, rules.Ended)

    async def _take_out(self, campaign: str, how: type[Paused] | type[rules.Ended]) -> Published:
        async with self.db.begin() as tx:
            await sql.take_turn(tx)
            rulebook, now = await self._rulebook(tx), self.clock()
            published = rulebook.campaign(campaign)
            if published is None:
                raise NotPublished(campaign)
            digest, ends = rulebook.digest, how is rules.Ended
            if not ends:
                _refuse_ended(rulebook, campaign)
            done = _has_ended(rulebook, campaign) if ends else _is_paused(rulebook, campaign)
            if not done:
                digest = await self.record(Change((how(campaign, now),)).canonical())
        return Published(campaign, published.version, digest)

    async def apply(self, documents: Sequence[Mapping[str, Any]]) -> list[Published]:
        """Save and publish several campaigns in one change; one that is in force as it stands is left alone."""
        async with self.db.begin() as tx:
            rulebook, known = await self._rulebook(tx), await self._known(tx)
            for document in documents:
                _refuse_ended(rulebook, str(document.get("campaign", "")))
            drafts = [await _drafted(tx, document, known) for document in documents]
        return await self._publish(drafts, None)

    async def _publish(self, drafts: Sequence[Draft], from_at: datetime | None) -> list[Published]:
        async with self.db.begin() as tx:
            await sql.take_turn(tx)
            rulebook, known, now = await self._rulebook(tx), await self._known(tx), self.clock()
            items: list[Item] = []
            for draft in drafts:
                _refuse_ended(rulebook, draft.campaign)
                if _stands(rulebook, draft):
                    # Not checked again: a fund may have closed since, and twice is once all the same.
                    _agree(rulebook, draft, from_at)
                else:
                    check_campaign(draft.campaign, draft.document, known)
                    items.append(next_campaign(
                        rulebook, draft.campaign, draft.version, draft.document, now=now, from_at=from_at
                    ))  # fmt: skip
            digest = rulebook.digest
            if items:
                digest = await self.record(Change(tuple(items)).canonical())
            for draft in drafts:
                await sql.mark_published(tx, draft.campaign, draft.version)
        return [Published(draft.campaign, draft.version, digest) for draft in drafts]

    async def _rulebook(self, tx: Tx) -> Rulebook:
        """The newest rulebook of the database."""
        rulebook = self.newest()
        for change in await sql.changes_after(tx, rulebook.number):
            rulebook = rulebook.extended(change)
        return rulebook

    async def _known(self, tx: Tx) -> Known:
        return await office.known(tx, await self._rulebook(tx), self.clock())


def _stands(rulebook: Rulebook, draft: Draft) -> bool:
    """Whether this version, or a later one, is the last word of the rulebook on its campaign."""
    published = rulebook.campaign(draft.campaign)
    if published is None or published.version < draft.version:
        return False
    return not _is_paused(rulebook, draft.campaign)


def _agree(rulebook: Rulebook, draft: Draft, from_at: datetime | None) -> None:
    """What stands is not moved in time: nobody may believe that it was."""
    began = rulebook.last_word(draft.campaign)
    if from_at is None or (began is not None and second(from_at) == second(began)):
        return
    when = f"from {began:%Y-%m-%dT%H:%M:%SZ}" if began else "for as long as the campaign is active"
    reason = (
        f"version {draft.version} is published already, {when}: "
        "leave this out, or save a new version and publish that from then on"
    )
    raise InvalidRequest([fault("from", reason)])


def _has_ended(rulebook: Rulebook, campaign: str) -> bool:
    track = rulebook.track(campaign)
    return track is not None and track.ended


def _refuse_ended(rulebook: Rulebook, campaign: str) -> None:
    if _has_ended(rulebook, campaign):
        raise Ended(campaign)


def _is_paused(rulebook: Rulebook, campaign: str) -> bool:
    """Whether the last word on a published campaign is that it pauses."""
    return rulebook.campaign_at(campaign, _LAST_MOMENT) is None


async def _keep_fixed(tx: Tx, programme: str, stored: Mapping[str, Any]) -> None:
    found = await sql.find_programme(tx, programme)
    if found is None:
        return
    was = {"points_scale": 0, **found[0]}
    faults = [
        fault(name, f"cannot change any more: points are counted in it; it must stay {was[name]!r}")
        for name in FIXED
        if {"points_scale": 0, **stored}[name] != was[name]
    ]
    if faults:
        raise InvalidRequest(faults)


async def _drafted(tx: Tx, document: Mapping[str, Any], known: Known) -> Draft:
    """The newest version if it says the same, else a new one."""
    campaign = str(document.get("campaign", ""))
    stored = check_campaign(campaign, document, known)
    old = await sql.newest(tx, campaign, lock=True)
    if old is not None and old.document == stored:
        return old
    version = (old.version if old else 0) + 1
    if not await sql.add(tx, campaign, version, stored):
        raise Stale(etag(version))
    return Draft(campaign, version, stored, published=False)
