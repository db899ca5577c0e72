"""The shape of the office's endpoints: conditional `PUT`, `GET`, and what both can answer."""

from typing import Any

import orjson
from pydantic import BaseModel
from starlette.responses import Response

from lepta.errors import DomainError
from lepta.http.auth import Forbidden, RateLimited, Unauthenticated
from lepta.http.bodies import JSON, answers
from lepta.http.problems import TooLarge, Unavailable, UnsupportedMediaType, documented
from lepta.revisions import NotFound, Saved, Stale, Unconditional, etag

_ETAG = {
    "ETag": {
        "description": "The revision; send it back in `If-Match`.",
        "schema": {"type": "string"},
    }
}
GUARDED = (Unauthenticated, Forbidden, RateLimited, Unavailable)
"""What every endpoint behind a key can refuse with."""

Responses = dict[int | str, dict[str, Any]]


def put_answers(model: type[BaseModel], *refusals: type[DomainError]) -> Responses:
    """`responses=` of a conditional `PUT`."""
    told = answers(model, s200="Replaced.", s201="Created.")
    for answer in told.values():
        answer["headers"] = _ETAG
    condition = (Unconditional, Stale, UnsupportedMediaType, TooLarge)
    return {**documented(*GUARDED, *condition, *refusals), **told}


def get_answers(model: type[BaseModel]) -> Responses:
    """`responses=` of the `GET` beside it."""
    told = answers(model, s200="The stored document.")
    told[200]["headers"] = _ETAG
    return {**documented(*GUARDED, NotFound), **told}


def put(document: Any, saved: Saved) -> Response:
    """The stored document, and whether it is new."""
    return _tagged(document, saved.revision, 201 if saved.created else 200)


def got(document: Any, revision: int) -> Response:
    """The stored document."""
    return _tagged(document, revision, 200)


def _tagged(document: Any, revision: int, status: int) -> Response:
    return Response(orjson.dumps(document), status, {"ETag": etag(revision)}, JSON)
