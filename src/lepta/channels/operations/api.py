"""Health and metrics, for whoever keeps the service running."""

import orjson
from fastapi import APIRouter
from prometheus_client import REGISTRY, generate_latest
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from lepta import schema
from lepta.errors import DomainError, Kind
from lepta.http.bodies import JSON, answers
from lepta.http.deps import Running
from lepta.http.metrics import Metrics
from lepta.http.problems import documented, is_connection_lost
from lepta.runtime import Runtime

router = APIRouter(tags=["operations"])

_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


class NotReady(DomainError):
    """The service cannot take sales now.

    The member `checks` says what is missing: the database, its schema, or the writer. Requests may be sent
    elsewhere until `/readyz` answers 200 again.
    """

    code = "not-ready"
    kind = Kind.BUSY

    def __init__(self, checks: dict[str, str]) -> None:
        wrong = ", ".join(f"{name}: {state}" for name, state in checks.items() if state != "ok")
        super().__init__(f"The service cannot take sales now ({wrong}).", checks=checks)


class Health(BaseModel):
    """The process answers."""

    status: str


class Readiness(Health):
    """What was looked at, each `ok`."""

    checks: dict[str, str]


@router.get("/healthz", responses=answers(Health, s200="The process answers."))
async def healthz() -> Response:
    """Whether the process is alive. It says nothing of the database: see `/readyz`."""
    return Response(b'{"status":"ok"}', media_type=JSON)


@router.get(
    "/readyz", responses={**documented(NotReady), **answers(Readiness, s200="Sales can be taken.")}
)
async def readyz(running: Running) -> Response:
    """Whether sales can be taken: database reachable, schema current, writer alive."""
    checks = await _checks(running)
    if set(checks.values()) != {"ok"}:
        raise NotReady(checks)
    return Response(orjson.dumps({"status": "ok", "checks": checks}), media_type=JSON)


async def _checks(running: Runtime) -> dict[str, str]:
    checks = {
        "database": "ok",
        "schema": "ok",
        "writer": "ok" if running.writer.alive else "stopped",
    }
    try:
        async with running.database.vital() as tx:
            if not await schema.is_current(tx):
                checks["schema"] = "not current: run `lepta migrate`"
    except Exception as error:
        if not is_connection_lost(error):
            raise
        checks |= {"database": "unreachable", "schema": "unknown"}
    return checks


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """What this process has counted, for Prometheus."""
    own: Metrics = request.app.state.metrics
    return Response(
        generate_latest(REGISTRY) + generate_latest(own.registry), media_type=_EXPOSITION
    )
