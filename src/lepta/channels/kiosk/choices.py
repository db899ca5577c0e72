"""The choice at a kiosk: who gets the donations of a campaign, from then on."""

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.kiosk.api import CardNumber
from lepta.channels.till.schemas import Id
from lepta.http.auth import Forbidden, KioskKey, RateLimited, Unauthenticated, looking_up
from lepta.http.bodies import JSON, Body, answers, parse, reads
from lepta.http.deps import Now, Running
from lepta.http.problems import TooLarge, Unavailable, UnsupportedMediaType, documented
from lepta.members import service as members
from lepta.processing.giving import CardNotActive
from lepta.statements import choices
from lepta.statements.cards import UnknownCard
from lepta.statements.choices import ChoiceNotOffered, Wish

router = APIRouter(prefix="/v1", tags=["kiosk"])


class CardChoiceBody(Body):
    """One of the beneficiaries that a campaign lets shoppers choose from."""

    campaign: Id
    beneficiary: Id | None = Field(description="null: the campaign's default again.")


class CardChoiceAnswer(BaseModel):
    """What is stored."""

    card: str
    campaign: str
    beneficiary: str | None


@router.put(
    "/cards/{card:path}/choice",
    responses={
        **documented(
            Unauthenticated, Forbidden, RateLimited, Unavailable, UnknownCard, CardNotActive, ChoiceNotOffered,
            TooLarge, UnsupportedMediaType,
        ),
        **answers(CardChoiceAnswer, s200="Stored, now or since before."),
    },
    openapi_extra=reads(CardChoiceBody),
)  # fmt: skip
async def put_choice(
    request: Request, card: CardNumber, key: KioskKey, running: Running, now: Now
) -> Response:
    """Choose who gets the donations of a campaign: counts for all sales of the card's owner that name nobody."""
    body = await parse(request, CardChoiceBody)
    wish = Wish(card, body.campaign, body.beneficiary)
    with looking_up(request, key):
        async with running.database.read() as tx:
            status = await choices.card_status(tx, card)
            if status == "blocked":
                raise CardNotActive(status, "nothing may be chosen with it")
            await choices.check(tx, wish, now.date())
        if not await members.choose(running.database, *wish):
            raise UnknownCard
    return Response(orjson.dumps(wish._asdict()), media_type=JSON)
