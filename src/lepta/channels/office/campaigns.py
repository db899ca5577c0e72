"""Programmes and campaigns: saving and publishing."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from lepta.campaigns.service import Ended, NotPublished, Published
from lepta.channels.office.answers import GUARDED, get_answers, got, put, put_answers
from lepta.channels.office.schemas import (
    CampaignsAnswer,
    PublishBody,
    PublishedAnswer,
    StateAnswer,
    WordAnswer,
)
from lepta.errors import InvalidRequest, NotSupported
from lepta.http.auth import OfficeKey
from lepta.http.bodies import JSON, SMALL, answers, parse, read, reads
from lepta.http.deps import Revision, Running
from lepta.http.problems import documented
from lepta.processing.events import TooBusy
from lepta.revisions import NotFound
from lepta.rules.envelope import CampaignDocument
from lepta.rules.lifecycle import State
from lepta.rules.programme import ProgrammeDocument

router = APIRouter(prefix="/v1", tags=["office"])

PathSlug = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[a-z0-9-]+$")]
_PUBLISHED = {
    **documented(*GUARDED, NotFound, NotPublished, Ended, NotSupported, TooBusy),
    **answers(PublishedAnswer, s200="It stands in the rulebook."),
}


async def _document(request: Request) -> Mapping[str, Any]:
    """The body as a JSON object; what stands in it is checked by the rules."""
    raw = await read(request, SMALL)
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest([{"path": "", "reason": f"is not JSON: {error}"}]) from error
    if not isinstance(document, dict):
        raise InvalidRequest([{"path": "", "reason": "must be an object"}])
    json.loads(raw, object_pairs_hook=_once)
    return document


def _once(members: Sequence[tuple[str, Any]]) -> None:
    """A name that stands twice says two things, of which JSON would keep the last."""
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise InvalidRequest([{"path": name, "reason": "stands twice: keep one"}])
        seen.add(name)


@router.put(
    "/programmes/{programme}",
    responses=put_answers(ProgrammeDocument, NotSupported, TooBusy),
    openapi_extra=reads(ProgrammeDocument),
)
async def put_programme(
    request: Request, programme: PathSlug, _key: OfficeKey, running: Running, expected: Revision
) -> Response:
    """Create or replace a programme, and publish it. Currency and decimals of points can never change."""
    document = await _document(request)
    saved = await running.publisher.put_programme(programme, document, expected)
    return put(document, saved)


@router.get("/programmes/{programme}", responses=get_answers(ProgrammeDocument))
async def get_programme(programme: PathSlug, _key: OfficeKey, running: Running) -> Response:
    """A programme as it is stored."""
    document, revision = await running.publisher.get_programme(programme)
    return got(document, revision)


@router.put(
    "/campaigns/{campaign}",
    responses=put_answers(CampaignDocument, Ended, NotSupported),
    openapi_extra=reads(CampaignDocument),
)
async def put_campaign(
    request: Request, campaign: PathSlug, _key: OfficeKey, running: Running, expected: Revision
) -> Response:
    """Save a new version of a campaign as a draft. Nothing changes in any till until it is published."""
    document = await _document(request)
    saved = await running.publisher.put_campaign(campaign, document, expected)
    return put(document, saved)


@router.get(
    "/campaigns",
    responses={**documented(*GUARDED), **answers(CampaignsAnswer, s200="By id, page by page.")},
)
async def get_campaigns(
    _key: OfficeKey,
    running: Running,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
    after: Annotated[
        str,
        Query(max_length=64, pattern=r"^[a-z0-9-]*$", description="`next` of the page before."),
    ] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> Response:
    """All campaigns, drafts too, with where each stands by now."""
    found, following = await running.publisher.campaigns(after, limit, state)
    items = [
        {
            "campaign": entry.campaign,
            "kind": entry.kind,
            "title": entry.title,
            "state": life.state,
            "newest": entry.version,
            "in_force": life.in_force,
        }
        for entry, life in found
    ]
    return Response(orjson.dumps({"items": items, "next": following}), 200, media_type=JSON)


@router.get("/campaigns/{campaign}", responses=get_answers(CampaignDocument))
async def get_campaign(campaign: PathSlug, _key: OfficeKey, running: Running) -> Response:
    """The newest version of a campaign, published or not."""
    draft = await running.publisher.get_campaign(campaign)
    return got(draft.document, draft.version)


@router.get(
    "/campaigns/{campaign}/state",
    responses={
        **documented(*GUARDED, NotFound),
        **answers(StateAnswer, s200="Where it stands by now."),
    },
)
async def get_campaign_state(campaign: PathSlug, _key: OfficeKey, running: Running) -> Response:
    """Whether a campaign is a draft, published, paused or has ended, and all that was published of it."""
    draft, life, rulebook = await running.publisher.state(campaign)
    answer = StateAnswer(
        campaign=campaign,
        state=life.state,
        newest=draft.version,
        in_force=life.in_force,
        words=[
            WordAnswer.model_validate({"word": w.word, "version": w.version, "from": w.from_at})
            for w in life.words
        ],
        rulebook=f"sha256:{rulebook.hex()}",
    )
    return Response(answer.model_dump_json(by_alias=True), 200, media_type=JSON)


@router.post(
    "/campaigns/{campaign}/publish",
    responses=_PUBLISHED,
    openapi_extra=reads(PublishBody, required=False),
)
async def publish_campaign(
    request: Request, campaign: PathSlug, _key: OfficeKey, running: Running
) -> Response:
    """Put a campaign's newest version in force: the first for as long as it is active, a later one from now on."""
    empty = not await request.body()
    wish = PublishBody() if empty else await parse(request, PublishBody)
    return _published(await running.publisher.publish(campaign, wish.from_at))


@router.post("/campaigns/{campaign}/pause", responses=_PUBLISHED)
async def pause_campaign(campaign: PathSlug, _key: OfficeKey, running: Running) -> Response:
    """Take a campaign out of force from now on, until it is published again."""
    return _published(await running.publisher.pause(campaign))


@router.post("/campaigns/{campaign}/end", responses=_PUBLISHED)
async def end_campaign(campaign: PathSlug, _key: OfficeKey, running: Running) -> Response:
    """Take a campaign out of force from now on, for good: no version can follow. Sales from before, late ones too,
    are still decided by it; what it gave stays given. To stop for a while, pause it.
    """
    return _published(await running.publisher.end(campaign))


def _published(done: Published) -> Response:
    answer = {
        "campaign": done.campaign,
        "version": done.version,
        "rulebook": f"sha256:{done.rulebook.hex()}",
    }
    return Response(orjson.dumps(answer), 200, media_type=JSON)
