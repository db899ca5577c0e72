"""Keys: made, listed and revoked by an administrator."""

from dataclasses import asdict
from typing import Annotated

import orjson
from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.office.answers import GUARDED
from lepta.channels.office.schemas import KeyBody, KeysAnswer, NewKeyAnswer
from lepta.http.auth import AdminKey
from lepta.http.bodies import JSON, answers, parse, reads
from lepta.http.deps import Running
from lepta.http.problems import TooLarge, UnsupportedMediaType, documented
from lepta.keys import service
from lepta.revisions import NotFound

router = APIRouter(prefix="/v1/keys", tags=["keys"])


@router.post(
    "",
    status_code=201,
    responses={
        **documented(*GUARDED, UnsupportedMediaType, TooLarge),
        **answers(NewKeyAnswer, s201="Made; the key is shown this once."),
    },
    openapi_extra=reads(KeyBody),
)
async def create_key(request: Request, _key: AdminKey, running: Running) -> Response:
    """Make a key. Only a hash of it is kept: what this answers cannot be read again."""
    body = await parse(request, KeyBody)
    made = await service.create(
        running.database, body.role, store=body.store, till=body.till, party=body.party
    )
    answer = {**asdict(made.key), "key": made.token}
    return Response(orjson.dumps(answer), 201, media_type=JSON)


@router.get("", responses={**documented(*GUARDED), **answers(KeysAnswer, s200="All keys.")})
async def list_keys(_key: AdminKey, running: Running) -> Response:
    """All keys, without their secrets."""
    keys = await service.listed(running.database)
    return Response(orjson.dumps({"items": [asdict(key) for key in keys]}), media_type=JSON)


@router.delete("/{key}", status_code=204, responses=documented(*GUARDED, NotFound))
async def revoke_key(
    key: Annotated[str, Path(min_length=1, max_length=64, pattern="^[a-z0-9]+$")],
    _key: AdminKey,
    running: Running,
) -> Response:
    """Make a key worthless for ever, within two seconds in every process."""
    await service.revoke(running.database, key)
    return Response(status_code=204)
