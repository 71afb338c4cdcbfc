"""A full and an empty context for every page template, by the contracts at the head of each template."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from porchlight.web.presentation import FACTORS, grade_of, score_of

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
        "history": [],
        "activities": [],
        "messages": [],
        "assignments": [],
        "agents": [],
        "older_url": None,
    }
    cannot = {"take_over": False, "reassign": False, "change_stage": False, "write": False}
    return lead_page(lead=its, can=cannot, **nothing)


def sign_in_page() -> Context:
    demo = {"email": "noor@harborpine.example", "password": "porch-light-demo"}
    return {"shell": signed_out(), "email": "", "next": "/leads", "error": None, "demo": demo}


def refused_sign_in_page() -> Context:
    error = "The e-mail address or password is wrong. Try again; after five tries there is a pause."
    return {"shell": signed_out(), "email": "noor@harborpine.example", "next": "/leads", "error": error, "demo": None}


def upload_page() -> Context:
    past = {"by": "Noor Haddad", "matched": 214, "rejected": 3, "created": 1830, "rows": 2047, "state": "done"}
    recent = [
        past | {"id": "i2", "filename": "follow-up-boss-export-2026.csv", "at": NOW - timedelta(hours=3)},
        past
        | {
            "id": "i1",
            "filename": "open-house.csv.gz",
            "at": NOW - timedelta(days=40),
            "state": "failed",
            "rows": None,
        },
    ]
    return {"shell": shell(active="import"), "error": None, "max_bytes": 100_000_000, "recent": recent}


def first_upload_page() -> Context:
    error = "This file is not text: it looks like a spreadsheet. Save it as CSV and choose that."
    return {"shell": shell(active="import"), "error": error, "max_bytes": 100_000_000, "recent": []}


FIELDS = [
    {
        "group": "Who",
        "choices": [
            {"value": value, "label": words}
            for value, words in (("name", "Name"), ("email", "E-mail"), ("phone", "Phone"))
        ],
    },
    {
        "group": "What",
        "choices": [
            {"value": "price_max", "label": "Highest price"},
            {"value": "areas", "label": "Areas"},
            {"value": "stage", "label": "Stage"},
            {"value": "outcome", "label": "Past result"},
        ],
    },
]


def preview_page(**changes: Any) -> Context:
    rows: tuple[tuple[str, list[str], str, float | None, str | None], ...] = (
        ("Full Name", ["Ada Moreno", "Bjørn Aalto", "Chiamaka Eze"], "name", 0.98, "by its name"),
        ("E-mail 1", ["ada@example.com", "bjorn@example.com", ""], "email", 0.99, "by name and content"),
        ("Cell", ["(206) 555-0142", "206.555.0177", "+44 20 7946 0018"], "phone", 0.93, "by content"),
        ("Budget max", ["850000", "$1.2M", "640k"], "price_max", 0.71, "by its name"),
        (
            "Notes (internal)",
            ["Two cats; wants a garden facing south, no stairs if possible", ""],
            "custom",
            None,
            None,
        ),
        ("Unnamed: 7", [], "", None, "Empty"),
    )
    columns = [
        {"index": index, "name": name, "samples": samples, "field": field, "confidence": sure, "because": because}
        for index, (name, samples, field, sure, because) in enumerate(rows)
    ]
    upload = {"id": "i3", "filename": "crm-export.csv", "size": 4_211_904, "rows": 18204}
    page = {"upload": upload, "columns": columns, "fields": FIELDS, "source": "crm-export", "errors": {}}
    return page | {"shell": shell(active="import")} | changes


def refused_preview_page() -> Context:
    errors = {"": "Two columns cannot both be the e-mail address.", "map.1": "Already taken by “Cell”."}
    return preview_page(errors=errors, upload={"id": "i3", "filename": "a.csv", "size": 912, "rows": None})


def run_page(state: str = "running", **changes: Any) -> Context:
    rejects = [
        {"line": 17, "reason": "The e-mail address has no domain.", "value": "ada@"},
        {"line": 310, "reason": "The row has 9 columns, the header 8.", "value": None},
    ]
    counts = {"rows": 11240, "total": 18204, "created": 10950, "matched": 285, "rejected": 5}
    run = {
        "id": "i3",
        "filename": "crm-export.csv",
        "source": "crm-export",
        "state": state,
        "seconds": None,
        "error": None,
    }
    run |= {"rejects_url": "/import/i3/rejects.csv", "rejects": rejects} | counts | changes
    return {"shell": shell(active="import"), "run": run}


def done_run_page() -> Context:
    return run_page("done", rows=18204, created=17102, matched=1097, seconds=3.24)


def failed_run_page() -> Context:
    error = "The file ends in the middle of a quoted value on line 11,241. The rows before it went in."
    return run_page("failed", total=None, rejected=0, rejects=[], rejects_url=None, error=error)


def queued_run_page() -> Context:
    return run_page("queued", rows=0, total=None, created=0, matched=0, rejected=0, rejects=[], rejects_url=None)


def team_page(**changes: Any) -> Context:
    seat = {"weight": 1.0, "capacity": 40}
    person = {
        "role": "agent",
        "team": "Ballard",
        "is_active": True,
        "open_leads": 21,
        "away_until": None,
        "off_hours": False,
        "seat": seat,
        "hours": "Mon to Fri 9 to 18, Sat 10 to 14",
    }
    users = [
        person
        | {
            "id": "u1",
            "name": "Noor Haddad",
            "email": "noor@harborpine.example",
            "role": "admin",
            "team": None,
            "seat": None,
            "hours": None,
        },
        person
        | {
            "id": "a1",
            "name": "Tomás Rivera",
            "email": "tomas@harborpine.example",
            "seat": {"weight": 1.5, "capacity": None},
            "hours": None,
        },
        person | {"id": "a2", "name": "Priya Natarajan", "email": "priya@harborpine.example", "open_leads": 40},
        person
        | {
            "id": "a3",
            "name": "Walt Jørgensen",
            "email": "walt@harborpine.example",
            "away_until": NOW + timedelta(days=3),
        },
        person | {"id": "a4", "name": "Imani Okafor", "email": "imani@harborpine.example", "off_hours": True},
        person
        | {"id": "a5", "name": "Sam Old", "email": "sam@harborpine.example", "is_active": False, "role": "read_only"},
    ]
    values = {"name": "", "email": "", "role": "agent", "team_id": ""}
    teams = [{"id": "t1", "name": "Ballard", "members": 4}, {"id": "t2", "name": "Downtown", "members": 1}]
    page = {"users": users, "teams": teams, "errors": {}, "values": values, "new_user": None}
    return page | {"shell": shell(active="settings", live_seq=None)} | changes


def small_team_page() -> Context:
    new = {"name": "Joy", "email": "joy@harborpine.example", "password": "lantern-maple-42"}
    errors = {"email": "Somebody with this address is already here.", "team_name": "Give the team a name."}
    return team_page(users=team_page()["users"][:1], teams=[], new_user=new, errors=errors)


def user_page() -> Context:
    day, free = {"from": "09:00", "to": "18:00"}, {"from": "", "to": ""}
    user = {
        "id": "a1",
        "name": "Tomás Rivera",
        "email": "tomas@harborpine.example",
        "role": "agent",
        "team_id": "t1",
        "is_active": True,
        "zone": "America/Los_Angeles",
        "takes_leads": True,
        "weight": 1.5,
        "capacity": None,
        "away_until": "",
        "hours": [day] * 5 + [free] * 2,
    }
    zones = ["America/Los_Angeles", "America/New_York", "Europe/London"]
    teams = [{"id": "t1", "name": "Ballard"}]
    errors = {"hours": "Friday ends before it begins."}
    return {"shell": shell(active="settings"), "user": user, "teams": teams, "zones": zones, "errors": errors}


SCOPES = [
    {"value": "leads:read", "label": "Read leads"},
    {"value": "leads:write", "label": "Send leads in, and change them"},
    {"value": "activities:write", "label": "Record activities"},
]


def keys_page(**changes: Any) -> Context:
    key = {
        "scopes": ["leads:read", "leads:write"],
        "created_by": "Noor Haddad",
        "revoked_at": None,
        "last_used_at": None,
    }
    keys = [
        key
        | {
            "id": "k1",
            "name": "Website form",
            "prefix": "plk_7Qf2",
            "created_at": NOW - timedelta(days=80),
            "last_used_at": NOW - timedelta(minutes=3),
        },
        key | {"id": "k2", "name": "Nightly export", "prefix": "plk_b19x", "created_at": NOW - timedelta(days=3)},
        key
        | {
            "id": "k3",
            "name": "Old CRM",
            "prefix": "plk_x0a4",
            "created_at": NOW - timedelta(days=400),
            "created_by": None,
            "revoked_at": NOW - timedelta(days=30),
        },
    ]
    page = {"keys": keys, "scopes": SCOPES, "new_key": None, "errors": {}, "api_url": "https://porchlight.example"}
    return page | {"shell": shell(active="settings", live_seq=None)} | changes


def new_key_page() -> Context:
    secret = "plk_7Qf2mXw0sJtB3nVc9yLkE5hRdUoPzGa1"
    errors = {"name": "Say what will use the key.", "scope": "Choose at least one."}
    return keys_page(keys=[], new_key={"name": "Website form", "secret": secret}, errors=errors)


def unsubscribe_page() -> Context:
    return {"shell": signed_out(), "contact": "a•••@example.com", "post_url": "/u/abc"}


def bad_link_page() -> Context:
    return {"shell": signed_out(tenant_name="")}


def error_page(status: int = 404, **changes: Any) -> Context:
    words = {"title": "There is no such lead", "detail": "It may have been merged into another. Search for the name."}
    return (
        {"shell": shell(live_seq=None), "status": status, "code": "lead_not_found", "request_id": None}
        | words
        | changes
    )


def forbidden_page() -> Context:
    return error_page(
        403, title="You may not do this", detail="Only a manager can reassign leads. Ask one.", code="forbidden"
    )


def broken_page() -> Context:
    detail = "It was recorded. Try again in a moment; if it stays, tell your operator the request’s number."
    return error_page(
        500, title="Something went wrong on our side", detail=detail, code="internal", request_id="01998f0c"
    )


def signed_out_error_page() -> Context:
    return error_page(404, shell=signed_out(tenant_name=""), title="There is nothing here", detail="Check the address.")


PAGES: dict[str, tuple[str, Callable[[], Context]]] = {
    "leads": ("leads/list.html", leads_page),
    "leads-none": ("leads/list.html", no_leads_page),
    "leads-not-found": ("leads/list.html", nothing_found_page),
    "leads-waiting": ("leads/list.html", waiting_page),
    "lead": ("leads/lead.html", lead_page),
    "lead-bare": ("leads/lead.html", bare_lead_page),
    "sign-in": ("sign_in.html", sign_in_page),
    "sign-in-refused": ("sign_in.html", refused_sign_in_page),
    "import": ("import/upload.html", upload_page),
    "import-first": ("import/upload.html", first_upload_page),
    "import-preview": ("import/preview.html", preview_page),
    "import-preview-refused": ("import/preview.html", refused_preview_page),
    "import-running": ("import/run.html", run_page),
    "import-queued": ("import/run.html", queued_run_page),
    "import-done": ("import/run.html", done_run_page),
    "import-failed": ("import/run.html", failed_run_page),
    "team": ("settings/team.html", team_page),
    "team-small": ("settings/team.html", small_team_page),
    "user": ("settings/user.html", user_page),
    "keys": ("settings/keys.html", keys_page),
    "keys-new": ("settings/keys.html", new_key_page),
    "unsubscribe": ("unsubscribe/ask.html", unsubscribe_page),
    "unsubscribed": ("unsubscribe/done.html", unsubscribe_page),
    "unsubscribe-bad": ("unsubscribe/bad_link.html", bad_link_page),
    "error-404": ("error.html", error_page),
    "error-403": ("error.html", forbidden_page),
    "error-500": ("error.html", broken_page),
    "error-signed-out": ("error.html", signed_out_error_page),
}
"""Pages by the name that the preview serves them under: their template and what makes the context."""
