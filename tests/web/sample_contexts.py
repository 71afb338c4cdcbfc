"""A full and an empty context for every page template, by the contracts at the head of each template."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.web.sample_leads import (
    NOW,
    Context,
    bare_lead_page,
    lead_page,
    leads_page,
    no_leads_page,
    nothing_found_page,
    shell,
    signed_out,
    waiting_page,
)
from tests.web.sample_trust import early_trust_page, pending_trust_page, trust_page


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
    upload = {"id": "i3", "filename": "crm-export.csv", "rows": 1_820}
    page = {"upload": upload, "columns": columns, "fields": FIELDS, "source": "crm-export", "errors": {}}
    page |= {"looked_at": {"rows": 1_820, "rejected": 2, "unread": 17}}
    return page | {"shell": shell(active="import")} | changes


def refused_preview_page() -> Context:
    errors = {"": "Two columns cannot both be the e-mail address.", "map.1": "Already taken by “Cell”."}
    return preview_page(errors=errors, upload={"id": "i3", "filename": "a.csv", "rows": None})


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


def stopped_run_page() -> Context:
    return run_page("cancelled", rejected=0, rejects=[], rejects_url=None)


def queued_run_page() -> Context:
    return run_page("queued", rows=0, total=None, created=0, matched=0, rejected=0, rejects=[], rejects_url=None)


TABS = [
    {"key": key, "label": label}
    for key, label in (
        ("team", "Team"),
        ("brokerage", "Brokerage"),
        ("hooks", "Doors"),
        ("keys", "API keys"),
    )
]
SETTINGS: Context = {"tabs": TABS}


def team_page(**changes: Any) -> Context:
    seat = {"weight": 1.0, "capacity": 40}
    person = {
        "role": "agent",
        "team": "Ballard",
        "is_active": True,
        "open_leads": 21,
        "away_until": None,
        "zone": "America/Los_Angeles",
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
    page: Context = {"users": users, "teams": teams, "errors": {}, "values": values, "new_user": None}
    page |= {"can": {"manage_accounts": True}}
    return SETTINGS | page | {"shell": shell(active="settings", live_seq=None)} | changes


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
        "weight": "1.5",
        "capacity": "",
        "away_until": "",
        "hours": [day] * 5 + [free] * 2,
    }
    zones = ["America/Los_Angeles", "America/New_York", "Europe/London"]
    teams = [{"id": "t1", "name": "Ballard"}]
    errors = {"hours": "Friday has only one of its two times: fill in both, or neither."}
    page = {"user": user, "teams": teams, "zones": zones, "errors": errors, "can": {"manage_accounts": True}}
    return SETTINGS | page | {"shell": shell(active="settings"), "new_password": None}


def seat_page() -> Context:
    """A user as one who manages routing alone sees them."""
    return user_page() | {"can": {"manage_accounts": False}, "errors": {}}


def new_password_page() -> Context:
    errors = {"role": "This is the last admin who can sign in: make somebody else an admin first."}
    return user_page() | {"new_password": "k7pm-x2qd-9fwt-h4zs", "errors": errors}


def brokerage_page(**changes: Any) -> Context:
    values: Context = {"name": "Harbor & Pine", "zone": "America/Los_Angeles", "holidays": False}
    values |= {"postal_address": "410 SW Alder Street, Portland, OR 97204"}
    days = [{"name": name, "from": "08:00", "to": "21:00"} for name in ("Weekdays", "Saturday", "Sunday")]
    page = {"values": values, "email_days": days, "zones": ["America/Los_Angeles", "Europe/London"], "errors": {}}
    return SETTINGS | page | {"shell": shell(active="settings", live_seq=None)} | changes


def refused_brokerage_page() -> Context:
    errors = {"name": "Give a name.", "hours": "Weekdays has only one of its two times: fill in both, or neither."}
    values = {"name": "", "zone": "Europe/London", "holidays": True, "postal_address": ""}
    return brokerage_page(errors=errors, values=values)


def doors_page(**changes: Any) -> Context:
    made = {"field_map": [], "created_at": NOW - timedelta(days=12), "revoked_at": None}
    mapped = [("custom:Pets", "q7"), ("email", "submission.who.mail"), ("timeframe", "answers.3.value")]
    hooks = [
        made | {"id": "h1", "name": "Website", "source": "generic", "field_map": mapped},
        made | {"id": "h2", "name": "Search ads", "source": "google_lead_form"},
        made | {"id": "h3", "name": "Old portal", "source": "adf", "revoked_at": NOW - timedelta(days=1)},
    ]
    page = {
        "hooks": hooks,
        "values": {"name": "", "source": "generic", "field_map": ""},
        "errors": {},
        "new_hook": None,
    }
    return SETTINGS | page | {"shell": shell(active="settings", live_seq=None)} | changes


def new_door_page() -> Context:
    address = "https://porchlight.example/hooks/google_lead_form/AZrxAAAAcACAAAAAAAAAAQGa8QAAAHAAgAAAAAAAAAI.7Qf2mXw0"
    hook = {"name": "Search ads", "source": "google_lead_form", "address": address, "key": "b19xKq", "missing": []}
    return doors_page(hooks=[], new_hook=hook)


def refused_door_page() -> Context:
    values = {"name": "", "source": "generic", "field_map": "email: contact.mail"}
    hook: Context = {"name": "Page", "source": "meta", "address": "https://p.example/hooks/meta/a.b", "key": None}
    hook |= {"missing": ["PORCHLIGHT_META_APP_SECRET", "PORCHLIGHT_META_VERIFY_TOKEN"]}
    errors = {"name": "Give a name.", "field_map": "Line 1 has no “=” between two names.", "source": "Choose one."}
    return doors_page(hooks=[], values=values, errors=errors, new_hook=hook)


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
    return SETTINGS | page | {"shell": shell(active="settings", live_seq=None)} | changes


def new_key_page() -> Context:
    secret = "plk_7Qf2mXw0sJtB3nVc9yLkE5hRdUoPzGa1"
    errors = {"name": "Say what will use the key.", "scope": "Choose at least one."}
    return keys_page(keys=[], new_key={"name": "Website form", "secret": secret}, errors=errors)


def error_page(status: int = 404, **changes: Any) -> Context:
    words = {"title": "There is no such lead", "detail": "It may have been merged into another. Search for the name."}
    return (
        {"shell": shell(live_seq=None), "status": status, "code": "lead_not_found", "request_id": None}
        | {"signed_in": True}
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
    words = {"title": "There is nothing here", "detail": "Check the address."}
    return error_page(404, shell=signed_out(tenant_name=""), signed_in=False, **words)


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
    "import-stopped": ("import/run.html", stopped_run_page),
    "import-failed": ("import/run.html", failed_run_page),
    "trust": ("trust/trust.html", trust_page),
    "trust-early": ("trust/trust.html", early_trust_page),
    "trust-pending": ("trust/trust.html", pending_trust_page),
    "team": ("settings/team.html", team_page),
    "team-small": ("settings/team.html", small_team_page),
    "user": ("settings/user.html", user_page),
    "user-seat": ("settings/user.html", seat_page),
    "user-password": ("settings/user.html", new_password_page),
    "brokerage": ("settings/brokerage.html", brokerage_page),
    "brokerage-refused": ("settings/brokerage.html", refused_brokerage_page),
    "doors": ("settings/hooks.html", doors_page),
    "doors-new": ("settings/hooks.html", new_door_page),
    "doors-refused": ("settings/hooks.html", refused_door_page),
    "keys": ("settings/keys.html", keys_page),
    "keys-new": ("settings/keys.html", new_key_page),
    "error-404": ("error.html", error_page),
    "error-403": ("error.html", forbidden_page),
    "error-500": ("error.html", broken_page),
    "error-signed-out": ("error.html", signed_out_error_page),
}
"""Pages by the name that the preview serves them under: their template and what makes the context."""
