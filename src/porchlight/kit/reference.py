"""The reference pages of settings, error codes and metrics, written from their tables; run this module to print one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from porchlight.kit.errors import CODES
from porchlight.kit.settings import Settings
from porchlight.kit.telemetry import METRICS


def settings_page() -> str:
    """`docs/reference/settings.md`."""
    rows = [
        f"| `PORCHLIGHT_{name.upper()}` | {_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return _page(
        "Settings",
        "All settings are environment variables, and all have a default that works. Secrets are never logged.",
        ("| variable | default | meaning |", "|---|---|---|", *rows),
    )


def errors_page() -> str:
    """`docs/reference/errors.md`."""
    rows = [f"| `{code}` | {status} | {title} |" for code, (status, title) in sorted(CODES.items())]
    return _page(
        "Error codes",
        "Every failure of the API is a problem document (RFC 9457): `code` is stable, `detail` says what to do, "
        "`field` names what is at fault. The answer's `x-request-id` is in the server's log.",
        ("| code | status | title |", "|---|---|---|", *rows),
    )


def metrics_page() -> str:
    """`docs/reference/metrics.md`."""
    rows = []
    for metric in METRICS:
        [family] = metric.describe()
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        suffix = "_total" if family.type == "counter" else ""
        rows.append(f"| `{family.name}{suffix}` | {family.type} | {labels} | {family.documentation} |")
    return _page(
        "Metrics",
        "What `/metrics` shows, in Prometheus' format.",
        ("| metric | type | labels | meaning |", "|---|---|---|---|", *rows),
    )


PAGES: Mapping[str, Callable[[], str]] = {"settings": settings_page, "errors": errors_page, "metrics": metrics_page}


def _default(value: object) -> str:
    return "" if value is None else f"`{value}`"


def _page(title: str, words: str, table: tuple[str, ...]) -> str:
    return "\n".join((f"# {title}", "", words, "", *table, ""))


if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
