"""Cards at the kiosk, and what everybody may see of campaigns and funds."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.kiosk.models import CardAnswer, FundAnswer, HistoryAnswer, StandingAnswer
from lepta.http.auth import CardsKey, Forbidden, RateLimited, Unauthenticated, looking_up
from lepta.http.bodies import JSON, answers
from lepta.http.deps import Now, Running
from lepta.http.problems import Unavailable, documented
from lepta.statements import cards, funds, standings
from lepta.statements.cards import UnknownCard, Wanted
from lepta.statements.funds import UnknownFund
from lepta.statements.history import history
from lepta.statements.standings import UnknownCampaign

router = APIRouter(prefix="/v1", tags=["kiosk"])

CardNumber = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
PathId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Programme = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z0-9-]+$",
        description="By default that of the key's store, or the only one.",
    ),
]
_REFUSALS = documented(Unauthenticated, Forbidden, RateLimited, UnknownCard, Unavailable)


# The longer address first: a card's number may hold any character, a slash too.
@router.get(
    "/cards/{card:path}/history", responses={**_REFUSALS, **answers(HistoryAnswer, s200="A page.")}
)
async def get_history(  # noqa: PLR0917
    request: Request,
    card: CardNumber,
    key: CardsKey,
    running: Running,
    programme: Programme = None,
    after: Annotated[
        int | None, Query(ge=0, le=2**62, description="`next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> Response:
    """What happened on the card owner's account, the newest first."""
    with looking_up(request, key):
        async with running.database.read() as tx:
            answer = await history(tx, card, Wanted(programme, key.store), after, limit)
    return Response(orjson.dumps(answer), media_type=JSON)


@router.get("/cards/{card:path}", responses={**_REFUSALS, **answers(CardAnswer, s200="The card.")})
async def get_card(  # noqa: PLR0917
    request: Request,
    card: CardNumber,
    key: CardsKey,
    running: Running,
    now: Now,
    programme: Programme = None,
) -> Response:
    """A card's points as they are now: available, held, pending and until when, expiring within 60 days."""
    with looking_up(request, key):
        async with running.database.read() as tx:
            answer = await cards.summary(tx, card, Wanted(programme, key.store), now)
    return Response(orjson.dumps(answer), media_type=JSON)


@router.get(
    "/campaigns/{campaign}/standing",
    responses={
        **documented(UnknownCampaign, Unavailable),
        **answers(StandingAnswer, s200="The standing."),
    },
)
async def get_standing(campaign: PathId, running: Running) -> Response:
    """How a campaign's beneficiaries stand. Public."""
    async with running.database.read() as tx:
        answer = await standings.standing(tx, campaign)
    return Response(orjson.dumps(answer), media_type=JSON)


@router.get(
    "/funds/{fund}",
    responses={**documented(UnknownFund, Unavailable), **answers(FundAnswer, s200="The fund.")},
)
async def get_fund(fund: PathId, running: Running) -> Response:
    """What a fund was given: points in shoppers' names and money, net of reversals. Public."""
    async with running.database.read() as tx:
        answer = await funds.summary(tx, fund)
    return Response(orjson.dumps(answer), media_type=JSON)
