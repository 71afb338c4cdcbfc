"""The words of the domain's codes: one table for each vocabulary, as pages show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

Tone = Literal["neutral", "warm", "cool", "good", "bad"]


class Face(NamedTuple):
    """How a code of the domain appears: its words, an icon of `static/icons.svg`, and a tone."""

    label: str
    icon: str = "dot"
    tone: Tone = "neutral"


STAGES: Mapping[str, Face] = {
    "new": Face("New", tone="cool"),
    "contacted": Face("Contacted"),
    "engaged": Face("Engaged", tone="warm"),
    "appointment": Face("Appointment", tone="warm"),
    "touring": Face("Touring", tone="warm"),
    "offer": Face("Offer", tone="warm"),
    "under_contract": Face("Under contract", tone="good"),
    "closed": Face("Closed", tone="good"),
    "lost": Face("Lost", tone="bad"),
}

GRADES: Mapping[str, str] = {
    "A": "four times the average lead’s odds or better",
    "B": "one and a half times the average lead’s odds or better",
    "C": "below one and a half times the average lead’s odds",
}

FACTORS: Mapping[str, tuple[str, str]] = {
    # name: (label, the question it answers)
    "budget_alignment": ("Budget", "Can they pay for what they want?"),
    "urgency": ("Urgency", "How soon do they want to move?"),
    "property_match": ("Property match", "Does the market have what they look for?"),
    "responsiveness": ("Responsiveness", "Do they answer us, and fast?"),
    "market_timing": ("Market timing", "Is the season on their side?"),
    "agent_fit": ("Agent fit", "Is the right agent on it?"),
    "competition": ("Competition", "Are they talking to somebody else?"),
    "momentum": ("Momentum", "Are they doing more or less than before?"),
}

ACTIVITIES: Mapping[str, Face] = {
    "lead.captured": Face("Came in", "inbox", "warm"),
    "lead.inquired": Face("Came in again", "inbox", "warm"),
    "lead.assigned": Face("Assigned", "user-check"),
    "lead.lost": Face("Lost", "x", "bad"),
    "lead.reopened": Face("Reopened", "refresh"),
    "stage.changed": Face("Stage changed", "flag"),
    "criteria.stated": Face("Said what they want", "target", "warm"),
    "search.performed": Face("Searched for homes", "search"),
    "listing.viewed": Face("Viewed a listing", "eye"),
    "listing.saved": Face("Saved a listing", "home", "warm"),
    "listing.shared": Face("Shared a listing", "send", "warm"),
    "listing.dismissed": Face("Dismissed a listing", "x"),
    "listing.inquired": Face("Asked about a listing", "home", "warm"),
    "message.sent": Face("We wrote", "send"),
    "message.delivered": Face("Our message arrived", "check"),
    "message.opened": Face("Opened our message", "mail-open"),
    "message.clicked": Face("Followed a link", "pointer", "warm"),
    "message.bounced": Face("Our message bounced", "alert", "bad"),
    "message.received": Face("Wrote to us", "message", "warm"),
    "call.attempted": Face("We called, no answer", "phone"),
    "call.held": Face("Spoke on the phone", "phone", "warm"),
    "appointment.booked": Face("Meeting booked", "calendar", "warm"),
    "appointment.held": Face("Meeting held", "calendar", "warm"),
    "appointment.missed": Face("Missed the meeting", "calendar", "bad"),
    "appointment.cancelled": Face("Meeting cancelled", "calendar", "bad"),
    "tour.booked": Face("Tour booked", "home", "warm"),
    "tour.held": Face("Toured a home", "home", "warm"),
    "tour.cancelled": Face("Tour cancelled", "home", "bad"),
    "financing.preapproved": Face("Pre-approved by a lender", "dollar", "warm"),
    "valuation.requested": Face("Asked for a home value", "dollar", "warm"),
    "competitor.mentioned": Face("Mentioned another agent", "alert", "cool"),
    "offer.made": Face("Offer made", "dollar", "warm"),
    "offer.accepted": Face("Offer accepted", "check-circle", "good"),
    "contract.signed": Face("Contract signed", "check-circle", "good"),
    "deal.closed": Face("Deal closed", "check-circle", "good"),
    "note.added": Face("Note", "note"),
    "consent.given": Face("Agreed to be contacted", "check", "good"),
    "consent.withdrawn": Face("Asked not to be contacted", "ban", "bad"),
    "profile.updated": Face("Details changed", "user"),
}

MESSAGE_STATES: Mapping[str, Face] = {
    "queued": Face("Queued", "clock"),
    "deferred": Face("Waiting", "clock", "cool"),
    "sending": Face("Leaving", "send"),
    "sent": Face("Sent", "check", "good"),
    "refused": Face("Not sent", "ban", "bad"),
    "failed": Face("Failed", "alert", "bad"),
    "uncertain": Face("Perhaps sent", "alert", "cool"),
}

ACTIONS: Mapping[str, Face] = {
    # the label says in one word how it is done; the action itself brings its sentence
    "nothing": Face("Wait", "check"),
    "first_contact": Face("Call", "phone", "warm"),
    "reply": Face("Write", "message", "warm"),
    "follow_up_tour": Face("Call", "phone", "warm"),
    "rebook": Face("Call", "calendar", "warm"),
    "confirm_meeting": Face("Write", "calendar", "warm"),
    "advance_deal": Face("Call", "check-circle", "warm"),
    "call": Face("Call", "phone", "warm"),
    "offer_tour": Face("Call", "home", "warm"),
    "ask_criteria": Face("Write", "target", "warm"),
    "send_financing_checklist": Face("Write", "dollar", "warm"),
    "check_in": Face("Call", "phone", "warm"),
}

ASSIGNMENT_RULES: Mapping[str, str] = {
    "fair_turn": "Their fair turn",
    "preferred_owner": "Already looks after this person",
    "waiting": "Nobody was free: waits in the queue",
    "taken_over": "Took it over",
    "by_hand": "Given by hand",
}

CONSENTS: Mapping[str, Face] = {
    "written": Face("Agreed in writing", "check", "good"),
    "express": Face("Agreed", "check", "good"),
    "inquiry": Face("May answer their inquiry", "check"),
    "none": Face("No consent yet", "alert", "cool"),
    "withdrawn": Face("Opted out", "ban", "bad"),
}

IMPORT_STATES: Mapping[str, Face] = {
    "preview": Face("Not started"),
    "queued": Face("Queued", tone="cool"),
    "running": Face("Running", tone="warm"),
    "done": Face("Done", tone="good"),
    "failed": Face("Stopped", tone="bad"),
    "cancelled": Face("Discarded"),
}

MODEL_STATES: Mapping[str, Face] = {
    "in_service": Face("In service", tone="good"),
    "candidate": Face("Waits for you", tone="warm"),
    "retired": Face("Retired"),
    "rejected": Face("No better", tone="cool"),
}

LEAD_FIELDS: Mapping[str, Mapping[str, str]] = {
    # what a column of a file can become, by group
    "Who": {
        "full_name": "Whole name",
        "first_name": "First name",
        "last_name": "Last name",
        "email": "E-mail address",
        "phone": "Phone number",
        "street": "Street",
        "city": "City",
        "state": "State",
        "postal_code": "Postal code",
        "country": "Country",
    },
    "What they want": {
        "intent": "Buy, sell or rent",
        "timeframe": "Within what time",
        "budget": "Budget",
        "price_min": "Lowest price",
        "price_max": "Highest price",
        "areas": "Areas",
        "bedrooms_min": "Bedrooms, at least",
        "bathrooms_min": "Bathrooms, at least",
        "property_type": "Kind of home",
        "financing": "Financing",
        "listing_key": "Listing asked about",
        "message": "What they wrote",
    },
    "How it stands": {
        "external_id": "Identifier in the other system",
        "source": "Source",
        "created_at": "Came in at",
        "stage": "Stage",
        "owner_email": "Agent’s e-mail address",
        "tags": "Tags",
        "notes": "Notes of the team",
        "outcome": "Past result: won or lost",
        "outcome_at": "Past result: date",
    },
    "May we contact them": {
        "consent_email": "Agreed to e-mail",
        "consent_sms": "Agreed to text messages",
        "do_not_email": "Refuses e-mail",
        "do_not_call": "Refuses calls",
        "do_not_text": "Refuses text messages",
        "do_not_contact": "Refuses all contact",
    },
}

ROLES: Mapping[str, tuple[str, str]] = {
    "admin": ("Admin", "Everything, also users and keys"),
    "manager": ("Manager", "All leads, reassigning, routing"),
    "agent": ("Agent", "Their own leads"),
    "analyst": ("Analyst", "Reads everything, changes nothing"),
    "read_only": ("Read only", "Reads what they are shown"),
}

PERMISSIONS: Mapping[str, str] = {
    "leads:read": "Read leads",
    "leads:write": "Send leads in, and change them",
    "activities:write": "Record activities",
    "messages:read": "Read messages",
    "live:read": "Follow the live feed",
    "leads:assign": "Give leads to agents",
    "imports:write": "Import files",
    "hooks:manage": "Open and close doors",
    "routing:manage": "Set who takes leads",
    "models:manage": "Choose and retrain the model behind the score",
    "accounts:manage": "Manage users and teams",
    "api_keys:manage": "Manage API keys",
    "audit:read": "Read the audit log",
}

DOORS: Mapping[str, tuple[str, str]] = {
    # source: (label, what to do with the address)
    "generic": ("Any system that sends JSON", "Have your system POST each lead to the address as JSON."),
    "meta": ("Meta Lead Ads", "Subscribe the page’s leadgen webhook to the address in your Meta app."),
    "google_lead_form": ("Google Ads lead form", "Enter the address and the key as the form’s webhook integration."),
    "adf": ("ADF (portals, in XML)", "Have the portal POST its ADF documents to the address."),
}


def face(table: Mapping[str, Face], code: str) -> Face:
    """The face of a code; one that the table lacks is shown by its own name, so that new kinds need no new page."""
    return table.get(code) or Face(humanise(code))


def humanise(code: str) -> str:
    """`listing.viewed` → `Listing viewed`."""
    words = code.replace(".", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def options(any_words: str, choices: Mapping[str, Any] | Iterable[Any]) -> list[tuple[str, str]]:
    """Choices of a select, the empty one first: from a vocabulary, from `{"id", "name"}` records, or from codes."""
    if isinstance(choices, Mapping):
        pairs = [(key, found.label if isinstance(found, Face) else str(found)) for key, found in choices.items()]
    else:
        pairs = [(c, humanise(c)) if isinstance(c, str) else (str(c["id"]), str(c["name"])) for c in choices]
    return [("", any_words), *pairs]


def role_options() -> list[tuple[str, str]]:
    return [(role, f"{words}: {meaning[:1].lower()}{meaning[1:]}") for role, (words, meaning) in ROLES.items()]


def zone_options(zones: Iterable[str]) -> list[tuple[str, str]]:
    return [(zone, zone.replace("_", " ")) for zone in zones]


def door_options() -> list[tuple[str, str]]:
    return [(source, words) for source, (words, _) in DOORS.items()]
