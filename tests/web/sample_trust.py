"""Sample contexts of the page Can I trust the score?: a full one, an early one, and one that is being worked out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.web.sample_leads import NOW, Context, shell

from porchlight.web.trust import shown
from porchlight.web.trust_words import verdict


def _around(value: float, by: float = 0.25) -> dict[str, float]:
    return {"value": value, "low": value * (1 - by), "high": value * (1 + by)}


def _row(said: float, happened: float, rows: int) -> dict[str, Any]:
    return {"said": said, "happened": happened, "low": happened * 0.6, "high": happened * 1.5 + 0.002, "rows": rows}


def _group(name: str, happened: float, due: float, differs: int = 0) -> dict[str, Any]:
    ratio = _around(happened / due, 0.3)
    return {"name": name, "leads": 310, "rows": 720, "closings": 21, "ratio": ratio} | {
        "happened": happened,
        "due": due,
        "differs": differs,
    }


RECORD: dict[str, Any] = {
    "state": "order_only",
    "horizon_days": 90,
    "rows": 3302,
    "leads": 1680,
    "closings": 80,
    "live": 0.4,
    "first": "2025-01",
    "last": "2025-12",
    "measures": {
        "auc": {"value": 0.876, "low": 0.836, "high": 0.915},
        "log_loss": _around(0.142),
        "base_log_loss": _around(0.197),
        "brier": _around(0.037),
        "said": _around(0.024),
        "happened": _around(0.049),
        "ratio": {"value": 2.05, "low": 1.7, "high": 2.44},
        "top": {"value": 0.73, "low": 0.66, "high": 0.8},
    },
    "reliability": [
        _row(said, happened, rows)
        for said, happened, rows in (
            (0.0004, 0.0, 660),
            (0.004, 0.01, 660),
            (0.008, 0.006, 660),
            (0.019, 0.048, 330),
            (0.063, 0.22, 165),
            (0.3, 0.5, 166),
        )
    ],
    "depths": [
        {"part": part, "reached": reached}
        for part, reached in ((0.05, 0.51), (0.1, 0.73), (0.2, 0.83), (0.3, 0.84), (0.5, 0.89))
    ],
    "months": [_row(0.02 + 0.001 * n, 0.04 + 0.004 * (n % 4), 200) | {"month": f"2025-{n + 1:02d}"} for n in range(12)],
    "versions": [{"version": "prior-1", "rows": 3302, "said": 0.024, "happened": 0.049}],
    "sources": [_group("Referral", 0.076, 0.063), _group("Website", 0.055, 0.061), _group("Portal", 0.038, 0.042)],
    "sources_differ": False,
    "agents": [_group("u1", 0.09, 0.05, 1), _group("u2", 0.05, 0.052), _group("u3", 0.02, 0.05, -1)],
    "agents_differ": True,
    "drift": [
        {"name": "replies", "psi": 0.31, "moved": "much", "before": 0.2, "now": 0.4},
        {"name": "views", "psi": 0.14, "moved": "somewhat", "before": 0.3, "now": 0.2},
        {"name": "clicks", "psi": 0.01, "moved": "steady", "before": 0.3, "now": 0.3},
    ],
}
_NAMES = {"u1": "Noor Haddad", "u2": "Maximiliana Featherstonehaugh-Okonkwo"}

PRIOR: dict[str, Any] = {
    "id": "v0",
    "version": "prior-1",
    "kind": "prior",
    "status": "retired",
    "made_at": NOW - timedelta(days=300),
    "rows": 0,
    "outcomes": 0,
    "promoted_at": None,
    "by": None,
    "reason": "The documented prior: published rates and judgement, in the scorecard.",
    "can_serve": True,
    "served": {"rows": 3302, "said": 0.024, "happened": 0.049},
}


def trust_page(**changes: Any) -> Context:
    learned = PRIOR | {"kind": "own", "rows": 3100, "outcomes": 71, "served": None}
    return {
        "shell": shell(active="trust", live_seq=None),
        "verdict": verdict(RECORD, "own-2"),
        "made_at": NOW - timedelta(hours=8),
        "record": shown(RECORD, _NAMES),
        "versions": [
            learned
            | {
                "id": "v3",
                "version": "own-3",
                "status": "candidate",
                "reason": "Better than own-2 on 31 later outcomes.",
            },
            learned | {"id": "v2", "version": "own-2", "status": "in_service", "by": "Noor Haddad", "can_serve": False},
            learned | {"id": "v1", "version": "own-1", "status": "rejected", "can_serve": False},
            PRIOR,
        ],
        "undo": {"id": "v0", "version": "prior-1"},
        "can": {"manage": True},
    } | changes


def early_trust_page() -> Context:
    early = {"state": "too_early", "closings": 7}
    serving = PRIOR | {"status": "in_service", "can_serve": False, "served": None}
    found = {"verdict": verdict(early, "prior-1"), "record": None, "versions": [serving], "undo": None}
    return trust_page(**found, can={"manage": False})


def pending_trust_page() -> Context:
    return trust_page(verdict=None, record=None, made_at=None, undo=None)
