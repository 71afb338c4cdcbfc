"""Sample contexts of the pages Leads and Lead, full and empty, and of every page's frame."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from porchlight.intelligence.conversion import FEATURES
from porchlight.intelligence.conversion.history.curve import PRIOR_SHAPE, curve_of
from porchlight.web.lead_outlook import curve_line
from porchlight.web.presentation import grade_of, score_of
from porchlight.web.vocabulary import FACTORS

NOW = datetime(2026, 3, 12, 15, 4, tzinfo=UTC)
BASE = 0.012

Context = dict[str, Any]


def shell(**changes: Any) -> Context:
    return {
        "tenant_name": "Harbor & Pine Realty",
        "user": {"id": "u1", "name": "Noor Haddad", "email": "noor@harborpine.example", "role": "manager"},
        "csrf_token": "token",
        "theme": None,
        "path": "/leads",
        "now": NOW,
        "zone": "America/New_York",
        "live_seq": 4711,
        "active": "leads",
        "waiting": 3,
        "can": {"import_leads": True, "manage_settings": True},
        "flashes": [],
        "demo": True,
    } | changes


def signed_out(**changes: Any) -> Context:
    closed = {"import_leads": False, "manage_settings": False}
    return shell(user=None, live_seq=None, active=None, waiting=0, can=closed, **changes)


AGENTS = [
    {"id": f"a{index}", "name": name, "away": index == 3}
    for index, name in enumerate(("Noor Haddad", "Tomás Rivera", "Priya Natarajan", "Walt Jørgensen", "Imani Okafor"))
]

REASONS = {
    "responsiveness": "Answered three messages, each within ten minutes",
    "urgency": "Wants to move within 45 days",
    "momentum": "Seven visits this week, one the week before",
    "property_match": "Saved four homes in Ballard; 23 on the market fit",
    "budget_alignment": "Pre-approved for 850,000, looks at 790,000",
    "market_timing": "Spring: homes here go in 11 days",
    "agent_fit": "Tomás closed six in this area last year",
    "competition": "Mentioned another agent on Tuesday",
}
_LEVELS = {
    "hot": (0.92, 0.71, 0.55, 0.48, 0.22, 0.11, 0.05, -0.34),
    "warm": (0.44, 0.31, 0.18, 0.02, 0.12, 0.05, -0.08, -0.21),
    "mild": (0.2, -0.1, 0.05, 0.12, -0.04, 0.05, 0.0, 0.0),
    "cold": (-0.62, -0.48, -0.3, 0.1, -0.2, 0.05, -0.02, -0.1),
}


def factors(level: str) -> list[Context]:
    order = list(REASONS)
    values = dict(zip(order, _LEVELS[level], strict=True))
    return [
        {"name": name, "value": values[name], "because": REASONS[name] if abs(values[name]) > 0.1 else None}
        for name in FACTORS
    ]


def lead(index: int, name: str | None, level: str, **changes: Any) -> Context:
    its = factors(level)
    its[-1]["value"] -= index * 0.02
    score = score_of(sum(factor["value"] for factor in its))
    odds = BASE / (1 - BASE) * score / (100 - score)
    best = max(its, key=lambda factor: factor["value"])
    return {
        "id": f"0199{index:04x}",
        "name": name,
        "contact": f"{(name or 'someone').split()[0].lower()}@example.com",
        "score": score,
        "grade": grade_of(score),
        "probability": odds / (1 + odds),
        "score_change": (14.2, -6.1, None, 0.2, 3.4)[index % 5],
        "factors": its,
        "reason": best["because"] if best["value"] > 0.1 else None,
        "next_action": {
            "kind": "reply",
            "title": "Reply to them now",
            "why": "They have waited 11 minutes for an answer.",
        }
        if level in ("hot", "warm")
        else {"kind": "nothing", "title": "Nothing is due", "why": "Everything of theirs is answered."},
        "stage": ("engaged", "appointment", "new", "touring", "contacted", "under_contract")[index % 6],
        "owner": {key: AGENTS[index % 5][key] for key in ("id", "name")},
        "waiting": None,
        "source": ("zillow", "meta_lead_ads", "website", "referral", "open_house")[index % 5],
        "last_activity": {
            "kind": ("message.received", "listing.saved", "listing.viewed", "call.held")[index % 4],
            "at": NOW - timedelta(minutes=11 * (index + 1) ** 2),
        },
    } | changes


def _leads() -> list[Context]:
    names = (
        ("Ada Moreno", "hot"),
        ("Bjørn Aalto", "hot"),
        ("Chiamaka Eze", "hot"),
        ("Dmitri & Olga Volkov-Petropavlovsky", "hot"),
        ("Elena Fischer", "warm"),
        ("Farid Aziz", "warm"),
        (None, "warm"),
        ("Grace Liu", "warm"),
        ("Hana Sato", "mild"),
        ("Isaac Brandt", "mild"),
        ("Joy Adeyemi", "mild"),
        ("Kofi Mensah", "cold"),
        ("Lucía Prieto", "cold"),
        ("Mo", "cold"),
    )
    leads = [lead(index, name, level) for index, (name, level) in enumerate(names)]
    leads[2] |= {
        "owner": None,
        "waiting": {"since": NOW - timedelta(minutes=7), "reason": "All five agents are outside working hours."},
    }
    leads[13] |= {"contact": None, "source": None, "last_activity": None, "owner": None}
    return leads


def leads_page(**changes: Any) -> Context:
    nothing = {"q": "", "stage": "", "grade": "", "owner": "", "source": "", "cursor": ""}
    return {
        "shell": shell(),
        "base_probability": BASE,
        "leads": _leads(),
        "total": 2037,
        "any_leads": True,
        "views": [
            {"key": "all", "label": "All", "count": 2037},
            {"key": "mine", "label": "Mine", "count": 164},
            {"key": "waiting", "label": "Waiting for an agent", "count": 3},
        ],
        "filters": {"view": "all", "sort": "-score", **nothing},
        "choices": {"owners": AGENTS, "sources": ["zillow", "meta_lead_ads", "website", "referral", "open_house"]},
        "next_cursor": "eyJzIjo0Mn0",
        "api_url": "http://127.0.0.1:8000",
    } | changes


def no_leads_page() -> Context:
    return leads_page(leads=[], total=0, any_leads=False, views=[], next_cursor=None, shell=shell(waiting=0))


def nothing_found_page() -> Context:
    page = leads_page(leads=[], total=0, next_cursor=None)
    return page | {"filters": page["filters"] | {"q": "zebra", "stage": "touring", "owner": "a1"}}


def waiting_page() -> Context:
    waiting = {"since": NOW - timedelta(minutes=7), "reason": "All five agents are outside working hours."}
    page = leads_page(
        leads=[row | {"owner": None, "waiting": waiting} for row in _leads()[:3]], next_cursor=None, total=3
    )
    return page | {"filters": page["filters"] | {"view": "waiting"}}


def _activities() -> list[Context]:
    minutes_and_facts: tuple[tuple[float, str, Context, float | None], ...] = (
        (
            11,
            "message.received",
            {"channel": "email", "text": "Could we see the one on Alder Street this Saturday?\nWe are pre-approved."},
            6.2,
        ),
        (
            38,
            "listing.saved",
            {"listing_key": "NWM2291184", "list_price": 789000, "area": "Ballard", "bedrooms_total": 3},
            2.1,
        ),
        (
            52,
            "listing.viewed",
            {"listing_key": "NWM2291184", "list_price": 789000, "area": "Ballard", "seconds": 214},
            None,
        ),
        (60 * 21, "financing.preapproved", {"amount": 850000}, 9.4),
        (60 * 26, "call.held", {"seconds": 412, "direction": "outbound"}, 4.0),
        (60 * 27, "competitor.mentioned", {}, -5.3),
        (60 * 74, "message.opened", {"channel": "email"}, None),
        (60 * 75, "message.sent", {"channel": "email", "purpose": "inquiry_reply"}, None),
        (60 * 75 + 1, "lead.assigned", {"to": "Tomás Rivera"}, None),
        (
            60 * 75 + 2,
            "criteria.stated",
            {
                "intent": "buy",
                "price_max": 850000,
                "areas": ["Ballard", "Fremont"],
                "bedrooms_min": 3.0,
                "timeframe_days": 45.0,
            },
            11.0,
        ),
        (60 * 75 + 3, "lead.captured", {"source": "zillow"}, None),
    )
    facts = [
        {
            "id": f"x{index}",
            "kind": kind,
            "occurred_at": NOW - timedelta(minutes=minutes),
            "recorded_at": NOW - timedelta(minutes=minutes - (45 if kind == "listing.viewed" else 0)),
            "source": "website" if kind.startswith("listing") else None,
            "actor": "Tomás Rivera" if kind in ("call.held", "message.sent") else None,
            "payload": payload,
            "score_change": moved,
        }
        for index, (minutes, kind, payload, moved) in enumerate(minutes_and_facts)
    ]
    return facts


def lead_page(**changes: Any) -> Context:
    scores = (50, 54, 52, 63, 67, 62, 71, 80, 82, 88, 90.8)
    its = _leads()[0] | {
        "created_at": NOW - timedelta(hours=75),
        "zone": "America/Los_Angeles",
        "external_id": "ZG-55120",
        "stage": "engaged",
        "contact_points": [
            {
                "kind": "email",
                "value": "ada@example.com",
                "display": "ada@example.com",
                "primary": True,
                "problem": None,
                "consents": [
                    {"label": "Answers", "state": "inquiry", "at": NOW - timedelta(hours=75)},
                    {"label": "Marketing", "state": "withdrawn", "at": NOW - timedelta(days=1)},
                ],
            },
            {
                "kind": "phone",
                "value": "+12065550142",
                "display": "+1 206-555-0142",
                "primary": False,
                "problem": None,
                "consents": [
                    {"label": "Calls and texts", "state": "express", "at": NOW - timedelta(hours=26)},
                    {"label": "Marketing", "state": "none", "at": None},
                ],
            },
        ],
        "custom_fields": [
            ("pets", "Two cats"),
            ("landing_page", "/homes/ballard?utm_campaign=spring-open-house-weekend"),
        ],
    }
    considered = [
        {"name": "Tomás Rivera", "outcome": "chosen", "sentence": "Next in turn, 1.4 leads behind.", "open_leads": 21},
        {
            "name": "Imani Okafor",
            "outcome": "passed_over",
            "sentence": "Available, but another’s turn comes first; 0.3 behind.",
            "open_leads": 18,
        },
        {"name": "Walt Jørgensen", "outcome": "unavailable", "sentence": "Away.", "open_leads": 9},
        {
            "name": "Priya Natarajan",
            "outcome": "unavailable",
            "sentence": "At capacity, with 40 open leads.",
            "open_leads": 40,
        },
    ]
    message = {
        "channel": "email",
        "to": "ada@example.com",
        "automated": True,
        "sent_at": None,
        "not_before": None,
        "reason": None,
    }
    return {
        "shell": shell(path="/leads/01990000"),
        "base_probability": BASE,
        "lead": its,
        "forecast": {
            "model": "prior scorecard 1",
            "made_at": NOW - timedelta(minutes=11),
            "note": "No results of your own yet: this is the documented scorecard, and it learns once deals close.",
        },
        "outlook": {
            "within": [(7, 0.004), (30, 0.03), (90, 0.124)],
            "lost_within": 0.21,
            "expected": [NOW + timedelta(days=days) for days in (64, 21, 190)],
            "curve": curve_line(curve_of(PRIOR_SHAPE, 0.124, BASE, [None] * len(FEATURES))),
            "levers": [{"title": "Tour a home with them", "probability": 0.19}],
            "hours": ["Weekdays 17:00 to 19:00"],
            "answers": 3,
        },
        "history": [
            {"at": NOW - timedelta(hours=75 - 7 * index), "score": score} for index, score in enumerate(scores)
        ],
        "activities": _activities(),
        "older_url": "/leads/01990000?before=x10",
        "messages": [
            message
            | {
                "id": "m3",
                "channel": "sms",
                "to": "+1 206-555-0142",
                "subject": None,
                "state": "deferred",
                "body": "Hi Ada, Tomás here. Saturday at 11 works.",
                "reason": "Closed at this hour in Washington.",
                "not_before": NOW + timedelta(hours=1, minutes=-4),
                "created_at": NOW - timedelta(minutes=9),
            },
            message
            | {
                "id": "m2",
                "subject": "New in Ballard this week",
                "state": "refused",
                "body": "Three homes …",
                "reason": "Opted out of marketing by e-mail.",
                "created_at": NOW - timedelta(hours=20),
            },
            message
            | {
                "id": "m1",
                "subject": "Your question about 2217 Alder Street",
                "state": "sent",
                "body": "Hi Ada,\n\nyes, it is still available.\n\nTomás",
                "created_at": NOW - timedelta(hours=75),
                "sent_at": NOW - timedelta(hours=75),
            },
        ],
        "assignments": [
            {
                "at": NOW - timedelta(hours=75),
                "owner": {"id": "a1", "name": "Tomás Rivera"},
                "rule": "fair_turn",
                "by": None,
                "reason": None,
                "considered": considered,
            },
            {
                "at": NOW - timedelta(hours=75, minutes=6),
                "owner": None,
                "rule": "waiting",
                "by": None,
                "reason": None,
                "considered": [],
            },
        ],
        "agents": AGENTS,
        "can": {"take_over": True, "reassign": True, "change_stage": True, "write": True},
        "back_url": "/leads",
    } | changes


def bare_lead_page() -> Context:
    its = lead(9, None, "mild", contact=None, owner=None, source=None, last_activity=None, reason=None)
    its |= {"created_at": NOW, "zone": None, "external_id": None, "contact_points": [], "custom_fields": []}
    nothing: Context = {
        "outlook": None,
        "history": [],
        "activities": [],
        "messages": [],
        "assignments": [],
        "agents": [],
        "older_url": None,
    }
    cannot = {"take_over": False, "reassign": False, "change_stage": False, "write": False}
    return lead_page(lead=its, can=cannot, **nothing)
