"""The application: routers, handlers, middleware and the service's life, wired once."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI

from lepta.channels.centre import api as centre
from lepta.channels.kiosk import api as kiosk
from lepta.channels.kiosk import choices, gifts
from lepta.channels.office import (
    adjustments,
    campaigns,
    claims,
    exceptions,
    keys,
    mergers,
    simulations,
    suspicions,
    transfers,
)
from lepta.channels.office import api as office
from lepta.channels.operations import api as operations
from lepta.channels.operations import docs, later, pages
from lepta.channels.till import api as till
from lepta.channels.till import batches, holds, quotes, reversals, shifts
from lepta.channels.till.answers import Answers
from lepta.channels.till.batch_desk import BatchDesk
from lepta.channels.till.desk import TillDesk
from lepta.channels.till.returns_desk import ReturnsDesk
from lepta.channels.till.reversal_answers import ReversalAnswers
from lepta.channels.till.slips import Slips
from lepta.channels.till.training_desk import TrainingDesk
from lepta.http.auth import Gate, RateLimit
from lepta.http.edge import Edge
from lepta.http.express import Lane
from lepta.http.journal import Journal
from lepta.http.limits import CardLookups
from lepta.http.metrics import Metrics
from lepta.http.openapi import describe
from lepta.http.problems import HANDLERS
from lepta.processing.quoting import Quoting
from lepta.processing.reading import Reader
from lepta.processing.training import Training
from lepta.runtime import running
from lepta.settings import Settings

# In the order in which addresses are compared: what is asked for most often first.
ROUTERS: tuple[APIRouter, ...] = (
    till.router,
    till.lookups,
    reversals.router,
    reversals.addressed,
    quotes.router,
    batches.router,
    shifts.router,
    shifts.lookups,
    holds.router,
    holds.addressed,
    kiosk.router,
    gifts.router,
    choices.router,
    centre.router,
    operations.router,
    office.router,
    exceptions.router,
    suspicions.router,
    adjustments.router,
    transfers.router,
    mergers.router,
    claims.router,
    campaigns.router,
    simulations.router,
    keys.router,
    later.router,
    pages.router,
)


class Api(FastAPI):
    """FastAPI with a description of our own, and a lane beside it for sales."""

    lane: Lane
    most_connections: int

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return describe(self)


def create_app(settings: Settings, *, log: Any = None) -> FastAPI:
    """The service on the database that `settings.database_url` names; it connects when it starts, not before."""
    metrics = Metrics()
    app = Api(
        title="Lepta",
        version=version("lepta"),
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json" if settings.docs else None,
        redirect_slashes=False,
        lifespan=_life(settings),
        exception_handlers=dict(HANDLERS),
    )
    app.state.metrics = metrics
    log = log or structlog.get_logger("lepta.http")
    journal = Journal(log, metrics, quiet=[(Lane.method, till.PATH)])
    app.add_middleware(Edge, journal=journal)
    app.most_connections = settings.connections
    app.lane = Lane(app, till.PATH, journal, HANDLERS)
    for router in (*ROUTERS, *([docs.router] if settings.docs else [])):
        # Not include_router: that matches each address twice, and says only half of a route's template.
        app.router.routes.extend(router.routes)
    return app


def _life(settings: Settings) -> Callable[[Api], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def life(app: Api) -> AsyncIterator[None]:
        # A sale makes some thousand values and no rings: collecting after each 700 is time thrown away.
        gc.set_threshold(50_000, 20, 50)
        async with running(settings) as found:
            limit = RateLimit(
                kiosk_per_minute=settings.kiosk_rate_per_minute,
                others_per_minute=settings.rate_per_minute,
            )
            app.state.runtime = found
            app.state.gate = gate = Gate(
                found.keys, limit, CardLookups(settings.unknown_cards_per_minute)
            )
            answers = Answers(Slips(found.directory, found.rulebooks))
            app.state.reader = reader = Reader(found.rulebooks)
            slips = Slips(reader.directory, found.rulebooks)
            app.state.stored_answers = stored = Answers(slips)
            app.state.quoting = quoting = Quoting(found.database, reader, settings.quote_ttl_s)
            reversals = ReversalAnswers(slips)
            training = TrainingDesk(Training(quoting), stored, reversals, gate.cards)
            app.state.till_desk = desk = TillDesk(found, gate, answers, training)
            app.state.returns_desk = returns = ReturnsDesk(found, reader, reversals, training)
            app.state.batch_desk = BatchDesk(desk, returns, app.lane.journal)
            app.lane.desk = desk
            yield
            app.lane.desk = None

    return life
