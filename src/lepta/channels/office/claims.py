"""Claims: a sale without a card turns out to be a member's."""

from typing import Any

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.acting import record
from lepta.channels.office.answers import GUARDED
from lepta.channels.office.mergers import KEY
from lepta.channels.till.answers import balance_document
from lepta.channels.till.api import HIT, UnknownCheckout
from lepta.channels.till.desk import CREATED, HIT_HEADER, RECOGNISED, idempotency_key
from lepta.channels.till.models import BalanceAnswer
from lepta.http.auth import SECURED, OfficeKey, Scope, authorize
from lepta.http.bodies import JSON, Body, answers, parse, reads
from lepta.http.deps import Running
from lepta.http.fields import Opaque
from lepta.http.problems import TooLarge, UnsupportedMediaType, documented
from lepta.processing.claiming import AlreadyClaimed, ClaimedPoints, NotClaimable
from lepta.processing.events import KeyReused, TooBusy
from lepta.processing.outcome import Balance
from lepta.statements import claims
from lepta.statements.cards import UnknownCard
from lepta.statements.claims import Kept, UnknownClaim, Wish

router = APIRouter(prefix="/v1", tags=["office"])


class ClaimBody(Body):
    """A sale without a card, and the card that it should have been shown with."""

    checkout: Opaque = Field(description="The sale's id, as its answer said.")
    card: Opaque

    def to_wish(self) -> Wish:
        """What is claimed."""
        return Wish(self.checkout, self.card)


class ClaimPoints(BaseModel):
    """Points of a claim, in the programme's smallest unit."""

    earned: int
    pending: int = Field(description="The part of `earned` that has to wait.")
    balance: BalanceAnswer


class ClaimCampaign(BaseModel):
    """What one campaign gave."""

    campaign: str
    points: int


class ClaimAnswer(BaseModel):
    """A recorded claim."""

    claim: str
    checkout: str
    log_index: int
    replayed: bool
    programme: str
    store: str = Field(description="Of the sale.")
    points: ClaimPoints
    campaigns: list[ClaimCampaign]


@router.post(
    "/claims",
    status_code=201,
    response_model=None,
    responses={
        **documented(
            *GUARDED, KeyReused, AlreadyClaimed, NotClaimable, UnknownCheckout, UnknownCard, TooBusy,
            TooLarge, UnsupportedMediaType,
        ),
        **answers(ClaimAnswer, s201="Recorded.", s200="Recognised: the stored answer again."),
        200: {**answers(ClaimAnswer, s200="Recognised: the stored answer again.")[200], "headers": HIT},
    },
    openapi_extra={**SECURED, **reads(ClaimBody), "parameters": [KEY]},
)  # fmt: skip
async def create_claim(request: Request, running: Running) -> Response:
    """Give a card's owner what a sale would have earned had it been shown: once, within the programme's `claim_days`."""
    await authorize(request, Scope.OFFICE)
    key, wish = idempotency_key(request.headers), (await parse(request, ClaimBody)).to_wish()
    async with running.database.read() as tx:
        sale = await claims.sale_of(tx, wish.checkout)
        if sale is None:
            raise UnknownCheckout
        act = await claims.placed(tx, wish, sale.event.key)
    movement, again = await record(running, act, key)
    return _answered(Kept(movement, sale), again=again)


@router.get(
    "/claims/{claim}",
    responses={
        **documented(*GUARDED, UnknownClaim),
        **answers(ClaimAnswer, s200="The stored answer."),
    },
)
async def get_claim(claim: str, _key: OfficeKey, running: Running) -> Response:
    """A claim, as it was answered."""
    async with running.database.read() as tx:
        kept = await claims.stored(tx, claim)
    return _answered(kept, again=True)


def _answered(kept: Kept, *, again: bool) -> Response:
    movement, sale = kept
    points = ClaimedPoints.of(movement.outcome)
    balance = balance_document(Balance.read(movement.outcome["balance"]))
    answer: dict[str, Any] = {
        "claim": movement.id,
        "checkout": sale.id,
        "log_index": movement.log_index,
        "replayed": again,
        "programme": movement.facts["programme"],
        "store": sale.event.key.store,
        "points": {"earned": points.earned, "pending": points.pending, "balance": balance},
        "campaigns": [{"campaign": e.campaign, "points": e.points} for e in points.by_campaign],
    }
    if again:
        return Response(orjson.dumps(answer), RECOGNISED, HIT_HEADER, JSON)
    return Response(orjson.dumps(answer), CREATED, media_type=JSON)
