"""The composition root: the one place that knows every part and wires them together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from porchlight import __version__
from porchlight.accounts import routes as accounts
from porchlight.accounts import upkeep as accounts_upkeep
from porchlight.api import document, health, hooks, live
from porchlight.automation.consent_facts import concerns_consent, note_consent_facts
from porchlight.automation.first_response.answer import answer_captured
from porchlight.automation.routing import drain
from porchlight.automation.routing.assign import route_arriving
from porchlight.delivery import outbox
from porchlight.delivery.consent import keep_stated_consent
from porchlight.delivery.routes import unsubscribe_routes
from porchlight.kit.clock import Clock, SystemClock
from porchlight.kit.collector import calm_collector
from porchlight.kit.database import Database
from porchlight.kit.events import Events
from porchlight.kit.http import Edge, answer_errors
from porchlight.kit.installation import Urls, urls
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import Settings
from porchlight.leads import routes as leads
from porchlight.leads import upkeep as leads_upkeep
from porchlight.leads.events import FactsRecorded, LeadFreed, LeadsArriving, LeadsCaptured
from porchlight.leads.learning import keeping
from porchlight.leads.learning import routes as models
from porchlight.leads.learning.versions import ModelChanged
from porchlight.web.app import mount_pages
from porchlight.web.shell import error_page

ROUTERS = (
    leads.router,
    models.router,
    accounts.router,
    hooks.router,
    hooks.doors,
    live.router,
    health.router,
    document.router,
)

#: Jobs that run by the clock; naming them here is what makes a worker know them.
PERIODIC = (accounts_upkeep.forget_sessions, drain.wake, leads_upkeep.upkeep, keeping.nightly, outbox.sweep_job)


def build(settings: Settings, *, clock: Clock | None = None, at: Urls | None = None) -> Runtime:
    """Everything a process needs, wired, on the database `at` or else the one the settings name."""
    calm_collector()
    found = at or urls(settings)
    clock = clock or SystemClock()
    events = Events()
    events.on(LeadsCaptured, keep_stated_consent(settings))
    events.on(LeadsArriving, route_arriving)
    events.on(LeadsCaptured, answer_captured)
    events.on(LeadFreed, drain.on_lead_freed)
    events.on(ModelChanged, leads_upkeep.on_model_changed)
    events.on(FactsRecorded, note_consent_facts(settings), when=concerns_consent)
    database = Database(found.app, events=events, clock=clock, pool_size=settings.database_pool_size)
    return Runtime(settings=settings, database=database, clock=clock, worker_url=found.worker)


def create_app(runtime: Runtime) -> FastAPI:
    """The web application on `runtime`, which it closes at its end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await app.state.hub.start()
        yield
        await app.state.hub.stop()
        await runtime.database.close()

    app = FastAPI(
        title="Porchlight",
        version=__version__,
        summary="Lead intelligence and automation for real-estate teams.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.runtime = runtime
    app.state.hub = live.Hub(runtime.database)
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(unsubscribe_routes(runtime))
    mount_pages(app)
    document.describe(app)
    answer_errors(app, error_page)
    app.add_middleware(
        Edge,
        page=error_page,
        max_body_bytes=runtime.settings.max_body_bytes,
        upload_paths={"/import": runtime.settings.max_upload_bytes},
    )
    return app
