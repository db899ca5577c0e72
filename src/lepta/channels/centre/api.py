"""The log for those who check it: checkpoint, key, tiles, proofs."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from lepta.http.auth import (
    SECURED,
    Forbidden,
    LogKey,
    RateLimited,
    Scope,
    Unauthenticated,
    authorize,
)
from lepta.http.deps import Running
from lepta.http.problems import Unavailable, documented
from lepta.log.errors import MalformedError
from lepta.log.tiles import TILE_WIDTH, Bundle, parse_path
from lepta.processing.leaf import checkout_id, parse_checkout_id
from lepta.witness.service import NotInLog

router = APIRouter(tags=["centre"])

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
PROVEN = frozenset({"checkout", "void", "return"})
"""Kinds of events that tills are given an id of."""
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


def _text(description: str) -> dict[int | str, dict[str, object]]:
    return {
        200: {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}
    }


@router.get(
    "/log/checkpoint",
    responses={**documented(Unavailable), **_text("A C2SP tlog-checkpoint, signed.")},
)
async def get_checkpoint(running: Running) -> Response:
    """How many events the log holds and the root of their tree, signed with the log's key. Public."""
    issued = await running.witness.checkpoint()
    return Response(issued.note, media_type=TEXT)


@router.get("/log/vkey", responses=_text("A C2SP note verifier key."))
async def get_vkey(running: Running) -> Response:
    """The key to check checkpoints with. Take it once, from somebody you trust, and keep it. Public."""
    return Response(running.witness.vkey + "\n", media_type=TEXT)


@router.get(
    "/log/tile/{path:path}",
    responses={
        **documented(Unauthenticated, Forbidden, RateLimited, NotInLog, Unavailable),
        200: {"description": "Hashes or leaves (C2SP tlog-tiles).", "content": {BYTES: {}}},
    },
    openapi_extra=SECURED,
)
async def get_tile(request: Request, path: str, running: Running) -> Response:
    """`{L}/{N}[.p/{W}]`: hashes, public. `entries/{N}[.p/{W}]`: leaves, with a centre's or auditor's key."""
    try:
        tile = parse_path(f"tile/{path}")
    except MalformedError:
        raise NotInLog("This tile") from None
    if isinstance(tile, Bundle):
        await authorize(request, Scope.LOG)
    data = await running.witness.tile(tile)
    whole = tile.width == TILE_WIDTH and not isinstance(tile, Bundle)
    return Response(data, media_type=BYTES, headers=_FOR_EVER if whole else None)


@router.get(
    "/v1/log/proof",
    responses={
        **documented(Unauthenticated, Forbidden, RateLimited, NotInLog, Unavailable),
        **_text("A C2SP tlog-proof; its `extra` line carries the leaf."),
    },
)
async def get_proof(
    checkout: Annotated[
        str, Query(max_length=64, description="The id of a sale, a void or a return.")
    ],
    _key: LogKey,
    running: Running,
) -> Response:
    """That a sale, a void or a return is in the log, in one text to be checked offline with the log's key alone."""
    place = parse_checkout_id(checkout)
    if place is None:
        raise NotInLog("This checkout")
    shard, log_index = place
    if shard != running.writer.shard:
        raise NotInLog("This checkout")

    def is_meant(data: bytes) -> bool:
        leaf = orjson.loads(data)
        if leaf["kind"] not in PROVEN:
            return False
        return checkout_id(shard, log_index, leaf["beside"]) == checkout

    return Response(await running.witness.proof(log_index, is_meant), media_type=TEXT)
