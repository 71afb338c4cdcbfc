from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from porchlight.kit.telemetry import configure_logging

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Logging as in operation; what was logged since is what it returns."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logging("json", "info")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**before)


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "Authorization", "set-cookie", "API_KEY", "apikey", "reset_token", "client_secret"],
)
def test_what_is_named_as_a_secret_is_not_written_out(lines: Lines, name: str) -> None:
    structlog.get_logger("a").info("signed in", **{name: "hunter2", "user": "ada"})
    [line] = lines()
    assert (line["event"], line["user"], line[name]) == ("signed in", "ada", "[redacted]")
    assert "hunter2" not in json.dumps(line)


def test_secrets_bound_to_the_context_are_not_written_out_either(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(session_token="hunter2", request="r1"):
        structlog.get_logger("a").info("answered")
    [line] = lines()
    assert (line["session_token"], line["request"]) == ("[redacted]", "r1")


def test_what_a_library_logs_goes_through_the_same_pipe(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(cookie="hunter2"):
        logging.getLogger("some.library").warning("%s is slow", "It")
    [line] = lines()
    assert (line["event"], line["logger"], line["level"]) == ("It is slow", "some.library", "warning")
    assert line["cookie"] == "[redacted]"


def test_what_is_below_the_level_is_not_written_out(lines: Lines) -> None:
    structlog.get_logger("a").debug("detail")
    logging.getLogger("some.library").debug("detail")
    logging.getLogger("uvicorn.access").info("GET /live?token=hunter2")
    assert lines() == []
