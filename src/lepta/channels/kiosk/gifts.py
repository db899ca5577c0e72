"""Gifts at kiosks: the shopper's own points for a fund."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.acting import KEY_HEADER, Told, record, required_key
from lepta.channels.till.answers import balance_document, donation_document
from lepta.channels.till.api import HIT
from lepta.channels.till.desk import CREATED, HIT_HEADER, RECOGNISED
from lepta.channels.till.models import BalanceAnswer, DonationAnswer
from lepta.channels.till.schemas import Id
from lepta.errors import InvalidRequest
from lepta.http.auth import (
    SECURED,
    Forbidden,
    Principal,
    RateLimited,
    Scope,
    Unauthenticated,
    authorize,
    looking_up,
)
from lepta.http.bodies import JSON, Body, answers, parse, reads
from lepta.http.deps import Running
from lepta.http.fields import Opaque
from lepta.http.problems import TooLarge, Unavailable, UnsupportedMediaType, documented
from lepta.processing.events import InsufficientPoints, KeyReused, TooBusy
from lepta.processing.given import read_donation
from lepta.processing.giving import CardNotActive, GiftNotOpen
from lepta.processing.outcome import Balance
from lepta.statements import gifts
from lepta.statements.cards import UnknownCard
from lepta.statements.gifts import Wish

router = APIRouter(prefix="/v1", tags=["kiosk"])

_NO_STORE = "is required: this key belongs to no store"
_ANSWERED = "Recognised: the stored answer again."


class KioskGiftBody(Body):
    """Points to give, and to what: a campaign, a fund, or a campaign and of its beneficiaries this fund."""

    card: Opaque
    points: Annotated[int, Field(ge=1, le=10**12)]
    campaign: Id | None = None
    fund: Id | None = Field(
        default=None, description="Alone: if just one open campaign takes points for it."
    )
    store: Id | None = Field(default=None, description="Left out: that of the key.")

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if self.campaign is None and self.fund is None:
            raise ValueError("name the campaign or the fund that the points are for")
        return self

    def to_wish(self, kiosk: Principal) -> Wish:
        """What is asked for; raises `Forbidden` for another store than the key's."""
        store = self.store or kiosk.store
        if store is None:
            raise InvalidRequest([{"path": "store", "reason": _NO_STORE}])
        if kiosk.store not in {None, store}:
            raise Forbidden(f"This key is for store {kiosk.store!r}. Use a key of the store's own.")
        return Wish(self.card, self.points, self.campaign, self.fund, store)


class GiftAnswer(BaseModel):
    """A recorded gift; `balance` is the member's right after it."""

    gift: str
    log_index: int
    replayed: bool
    points: int
    donations: list[DonationAnswer]
    balance: BalanceAnswer


@router.post(
    "/gifts",
    status_code=201,
    response_model=None,
    responses={
        **documented(
            Unauthenticated, Forbidden, RateLimited, Unavailable, KeyReused, InsufficientPoints, CardNotActive,
            GiftNotOpen, UnknownCard, TooBusy, TooLarge, UnsupportedMediaType,
        ),
        **answers(GiftAnswer, s201="Recorded.", s200=_ANSWERED),
        200: {**answers(GiftAnswer, s200=_ANSWERED)[200], "headers": HIT},
    },
    openapi_extra={**SECURED, **reads(KioskGiftBody), "parameters": [KEY_HEADER]},
)  # fmt: skip
async def create_gift(request: Request, running: Running) -> Response:
    """Give points of a card's owner to a fund, with the money behind them. Safe to send again under its key."""
    kiosk = await authorize(request, Scope.KIOSK)
    key, wish = required_key(request), (await parse(request, KioskGiftBody)).to_wish(kiosk)
    with looking_up(request, kiosk):
        async with running.database.read() as tx:
            act = await gifts.placed(tx, wish, datetime.now(UTC))
        return _answered(await record(running, act, key))


def _answered(told: Told) -> Response:
    movement, again = told
    donation = read_donation(movement.outcome["donation"], ())
    answer: dict[str, Any] = {
        "gift": movement.id,
        "log_index": movement.log_index,
        "replayed": again,
        "points": movement.request["points"],
        "donations": [donation_document(donation[:8])],
        "balance": balance_document(Balance.read(movement.outcome["balance"])),
    }
    body = orjson.dumps(answer)
    if again:
        return Response(body, RECOGNISED, HIT_HEADER, JSON)
    return Response(body, CREATED, media_type=JSON)
