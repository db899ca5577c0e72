"""Trying campaigns on past receipts."""

from datetime import date
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.office.answers import GUARDED
from lepta.errors import NotSupported
from lepta.http.auth import SECURED, Scope, authorize
from lepta.http.bodies import JSON, Body, answers, parse, reads
from lepta.http.deps import runtime
from lepta.http.fields import Day
from lepta.http.problems import TooLarge, UnsupportedMediaType, documented
from lepta.rules.envelope import CampaignDocument
from lepta.simulation.plan import NotRecorded, read_span
from lepta.simulation.service import SimulationBusy, SimulationTooLong
from lepta.simulation.simulate import NoReceipts

router = APIRouter(prefix="/v1", tags=["office"])

MOST = 50
_FIRST = Field(alias="from", description="The first business day.")
_LAST = Field(alias="to", description="The last business day, included.")


class SimulationBody(Body):
    """Campaigns to try together, and on which receipts."""

    campaigns: Annotated[tuple[dict[str, Any], ...], Field(min_length=1, max_length=MOST)]
    first: Annotated[Day, _FIRST]
    last: Annotated[Day, _LAST]


class SimulationRequest(BaseModel):
    """Campaigns to try together, published or not, and on which receipts. One that is published is replaced."""

    campaigns: Annotated[tuple[CampaignDocument, ...], Field(min_length=1, max_length=MOST)]
    first: Annotated[date, _FIRST]
    last: Annotated[date, _LAST]


class Figures(BaseModel):
    """Points in smallest units, money in minor units."""

    receipts: int
    points: int
    money: int


class ReceiptsTried(BaseModel):
    """How many receipts the days have, and for how many of them something is given."""

    looked_at: int
    touched: int
    unknown: int = Field(
        description="Receipts of members that were recorded before anybody asked when they joined or have their "
        "birthday, though these campaigns do: they give nothing there."
    )


class FunderFigures(BaseModel):
    """What a funder pays."""

    party: str
    points: int
    money: int
    cost: int = Field(
        description="Money, and points that shoppers earn at the programme's `point_value`, rounded down. Points for a "
        "fund cost the money behind them and nothing else."
    )


class FundFigures(Figures):
    """What a fund gets."""

    fund: str


class ProductFigures(Figures):
    """What is given for a product; a donation is shared out by what its lines cost."""

    sku: str


class DayFigures(Figures):
    """What is given on a business day."""

    day: date


class OwnFigures(BaseModel):
    """What of it comes from the shoppers themselves."""

    points: int
    money: int


class OfferFigures(BaseModel):
    """Offers of the shopper's own money that are above 0; whether they are accepted nobody knows."""

    receipts: int
    money: int


class LimitFigures(BaseModel):
    """A limit that all shoppers share."""

    limit: Literal["units", "budget", "funder", "match"]
    party: str | None = Field(
        description="Of a funder's own budget, also of one who matches gifts."
    )
    of: Literal["applications", "points", "money"]
    cap: int
    used: int
    left: int
    days_left: int | None = Field(
        description="Whole days that the rest lasts if they go on like these; null: nothing was used."
    )
    exhausted_on: date | None = Field(
        description="Business day of the first receipt that used it up, or wanted more than was left."
    )


class WhyFigures(BaseModel):
    """On how many receipts the campaign gave or did not give for this reason."""

    code: str
    fired: bool
    receipts: int


class OtherFigures(Figures):
    """How much more (below 0: less) a published campaign gives beside the ones tried."""

    campaign: str


class CampaignFigures(Figures):
    """What one of the campaigns gives."""

    campaign: str
    kind: str
    currency: str
    members: int
    applications: int
    from_shopper: OwnFigures
    cost: int = Field(description="What funders pay: see there.")
    funders: list[FunderFigures]
    funds: list[FundFigures]
    limits: list[LimitFigures]
    offers: OfferFigures
    why: list[WhyFigures]
    products: list[ProductFigures] = Field(description="The 1,000 on the most receipts.")
    days: list[DayFigures]
    replaces: Figures | None = Field(
        default=None, description="What it gave on these receipts as it was published, if it was."
    )


class ReceiptsOfDay(BaseModel):
    """Receipts of a business day, whether something is given for them or not."""

    day: date
    receipts: int


class SimulationAnswer(BaseModel):
    """What the campaigns would have given, had they been published just before the first of the receipts."""

    first: Annotated[date, _FIRST]
    last: Annotated[date, _LAST]
    receipts: ReceiptsTried
    members: int
    campaigns: list[CampaignFigures]
    days: list[ReceiptsOfDay]
    others: list[OtherFigures]


@router.post(
    "/simulations",
    response_model=None,
    responses={
        **documented(
            *GUARDED, NotSupported, NoReceipts, NotRecorded, SimulationBusy, SimulationTooLong, TooLarge, UnsupportedMediaType
        ),
        **answers(SimulationAnswer, s200="What they would have given."),
    },
    openapi_extra={**SECURED, **reads(SimulationRequest)},
)  # fmt: skip
async def simulate(request: Request) -> Response:
    """Try campaigns on recorded receipts. Nothing is saved, published or booked.

    Each receipt is decided again from the facts stored with it. Everything else stays as it was: who paid with how
    many points, which offers were accepted, and what other campaigns do that have no part in it.
    """
    await authorize(request, Scope.SIMULATION)
    body = await parse(request, SimulationBody)
    span = read_span(body.first, body.last)
    report = await runtime(request).simulations.run(body.campaigns, span)
    return Response(orjson.dumps(report), 200, media_type=JSON)
