"""Parties, stores, products and members."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.office.answers import GUARDED, get_answers, got, put, put_answers
from lepta.channels.office.schemas import (
    MemberAnswer,
    MemberBody,
    MemberHistoryAnswer,
    PartyBody,
    ProductBody,
    StoreBody,
    document,
)
from lepta.due import leaving
from lepta.http.auth import OfficeKey
from lepta.http.bodies import JSON, answers, parse, reads
from lepta.http.deps import Revision, Running
from lepta.http.fields import opaque
from lepta.http.problems import documented
from lepta.members import service as members
from lepta.members.service import CardTaken, MemberMerged
from lepta.parties import service as parties
from lepta.products import service as products
from lepta.revisions import NotFound

router = APIRouter(prefix="/v1", tags=["office"])

PathId = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
PathSku = Annotated[
    str,
    Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$"),
    AfterValidator(opaque),
]


@router.put("/parties/{party}", responses=put_answers(PartyBody), openapi_extra=reads(PartyBody))
async def put_party(
    request: Request, party: PathId, _key: OfficeKey, running: Running, expected: Revision
) -> Response:
    """Create or replace a party."""
    record = (await parse(request, PartyBody)).to_record(party)
    saved = await parties.put_party(running.database, record, expected)
    return put(document(record), saved)


@router.get("/parties/{party}", responses=get_answers(PartyBody))
async def get_party(party: PathId, _key: OfficeKey, running: Running) -> Response:
    """A party as it is stored."""
    record, revision = await parties.get_party(running.database, party)
    return got(document(record), revision)


@router.put("/stores/{store}", responses=put_answers(StoreBody), openapi_extra=reads(StoreBody))
async def put_store(
    request: Request, store: PathId, _key: OfficeKey, running: Running, expected: Revision
) -> Response:
    """Create or replace a store. What is left out is filled in: the only programme, its currency, Russian."""
    record = (await parse(request, StoreBody)).to_record(store)
    whole, saved = await parties.put_store(running.database, record, expected)
    return put(document(whole), saved)


@router.get("/stores/{store}", responses=get_answers(StoreBody))
async def get_store(store: PathId, _key: OfficeKey, running: Running) -> Response:
    """A store as it is stored."""
    record, revision = await parties.get_store(running.database, store)
    return got(document(record), revision)


@router.put(
    "/products/{sku:path}", responses=put_answers(ProductBody), openapi_extra=reads(ProductBody)
)
async def put_product(
    request: Request, sku: PathSku, _key: OfficeKey, running: Running, expected: Revision
) -> Response:
    """Create or replace a product. It gives names their cases; a sale's own categories and brand come first."""
    record = (await parse(request, ProductBody)).to_record(sku)
    saved = await products.put(running.database, record, expected)
    return put(document(record), saved)


@router.get("/products/{sku:path}", responses=get_answers(ProductBody))
async def get_product(sku: PathSku, _key: OfficeKey, running: Running) -> Response:
    """A product as it is stored."""
    record, revision = await products.get(running.database, sku)
    return got(document(record), revision)


@router.put(
    "/members/{member}",
    responses=put_answers(MemberBody, CardTaken, MemberMerged),
    openapi_extra=reads(MemberBody),
)
async def put_member(
    request: Request, member: PathId, _key: OfficeKey, running: Running, expected: Revision
) -> Response:
    """Create or replace a member with all their cards. A card left out belongs to nobody from then on."""
    record = (await parse(request, MemberBody)).to_record(member)
    stored = await members.put(running.database, record, expected)
    return put(document(stored.record), stored.saved)


@router.delete("/members/{member}", status_code=204, responses=documented(*GUARDED, NotFound))
async def erase_member(member: PathId, _key: OfficeKey, running: Running) -> Response:
    """Erase a member for good: person, cards, tiers and segments, choices and what the office wrote about them.

    The ledger, proofs and what funds were given stay as they are, under a random name that nobody can trace back; points
    are gone with their owner. A second time there is nobody: 404.
    """
    await leaving.erase(running.database, running.writer, member)
    return Response(status_code=204)


@router.get(
    "/members/{member}/history",
    responses={
        **documented(*GUARDED, NotFound),
        **answers(MemberHistoryAnswer, s200="The newest first."),
    },
)
async def get_member_history(
    member: PathId,
    _key: OfficeKey,
    running: Running,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """Which tier and segments a member has and had, and from when until when: sales count by those of their moment."""
    found = await members.standings(running.database, member, limit)
    items = [
        {"from": since, "until": until, "tier": tier, "segments": segments}
        for since, until, tier, segments in found
    ]
    return Response(orjson.dumps({"items": items}), media_type=JSON)


@router.get("/members/{member}", responses=get_answers(MemberAnswer))
async def get_member(member: PathId, _key: OfficeKey, running: Running) -> Response:
    """A member as they are stored; of one who was merged, `merged_into` says into whom."""
    record, revision = await members.get(running.database, member)
    return got(document(record), revision)
