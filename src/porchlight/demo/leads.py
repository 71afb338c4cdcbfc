"""Who comes in at the doors: what each lead really wants, and what of it they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log
from random import Random
from typing import Any, Literal

from porchlight.demo.brokerage import Agent
from porchlight.demo.listings import CONDO, HOUSE, TOWNHOUSE, Listing, asking_price
from porchlight.demo.people import Person, respelled_email, respelled_phone
from porchlight.demo.places import AREAS, STATE, STREET_TYPES, STREETS, Area
from porchlight.leads.contact_points import ContactPoint, email_point, phone_point
from porchlight.leads.inputs import Address, Channel, Consent, LeadInput

ORIGIN = "demo"

Intent = Literal["buy", "sell", "rent"]


@dataclass(frozen=True, slots=True)
class Source:
    """A door of the brokerage. `share` of leads; `motivation` of its usual lead, 0 to 1; how often it gives what.

    `online` is how readily its leads look at homes on the site.
    """

    name: str
    code: str
    share: float
    motivation: float
    online: float
    email: float
    phone: float
    criteria: float
    listing: float


SOURCES: tuple[Source, ...] = (
    # name, code, share, motivation, online, e-mail, phone, criteria, listing
    Source("Portal", "PT", 0.31, 0.33, 0.8, 0.97, 0.90, 0.25, 0.85),
    Source("Website", "WB", 0.23, 0.40, 1.5, 0.99, 0.55, 0.45, 0.30),
    Source("Facebook", "FB", 0.16, 0.23, 0.6, 0.95, 0.75, 0.60, 0.00),
    Source("Google Ads", "GA", 0.11, 0.31, 1.0, 0.97, 0.70, 0.50, 0.10),
    Source("Referral", "RF", 0.08, 0.58, 0.7, 0.75, 0.95, 0.50, 0.00),
    Source("Open house", "OH", 0.07, 0.43, 0.7, 0.85, 0.60, 0.15, 0.90),
    Source("Sign call", "SC", 0.04, 0.44, 0.4, 0.00, 1.00, 0.10, 0.95),
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What nobody sees: it drives every fact about the lead. It holds nothing about who they are.

    `motivation`, `responsiveness` from 0 to 1; `horizon_days` from capture to the offer they would make; `budget` in
    dollars; `tastes` weigh the areas they would live in; `online` is how readily they look at homes on the site.
    """

    source: Source
    intent: Intent
    motivation: float
    responsiveness: float
    horizon_days: float
    budget: float
    tastes: Mapping[str, float]
    property_sub_type: str
    bedrooms_min: int
    preapproved: bool
    cash: bool
    online: float


def draw_truth(rng: Random) -> Truth:
    """A lead as they come: most not very motivated, few soon."""
    source = rng.choices(SOURCES, [source.share for source in SOURCES])[0]
    motivation = rng.betavariate(source.motivation * 3.2, (1 - source.motivation) * 3.2)
    intent: Intent = rng.choices(("buy", "sell", "rent"), (79, 16, 5))[0]
    home = rng.choice(AREAS)
    sub_type = rng.choices((HOUSE, TOWNHOUSE, CONDO), (70, 12, 18) if home.attached < 0.5 else (20, 20, 60))[0]
    size = {HOUSE: 1950, TOWNHOUSE: 1550, CONDO: 1050}[sub_type] * rng.lognormvariate(0.0, 0.22)
    return Truth(
        source=source,
        intent=intent,
        motivation=motivation,
        responsiveness=min(0.98, max(0.02, rng.betavariate(1.2, 2.2) * 0.75 + motivation * 0.35)),
        horizon_days=rng.lognormvariate(log(32 + 210 * (1 - motivation) ** 1.5), 0.65),
        budget=asking_price(home, sub_type, size) * rng.lognormvariate(0.0, 0.10),
        tastes=_tastes(rng, home),
        property_sub_type=sub_type,
        bedrooms_min=1 if sub_type == CONDO else rng.choices((2, 3, 4), (30, 52, 18))[0],
        preapproved=rng.random() < 0.06 + 0.30 * motivation,
        cash=rng.random() < 0.09,
        online=source.online * rng.lognormvariate(0.0, 0.9),
    )


def _tastes(rng: Random, home: Area) -> dict[str, float]:
    """The area they have in mind first, and some others at a similar price or nearby."""

    def distance(area: Area) -> float:
        apart = abs(area.latitude - home.latitude) + abs(area.longitude - home.longitude)
        return apart * 6 + abs(log(area.price / home.price)) * 2

    nearest = sorted(AREAS, key=distance)[1:6]
    return {home.name: 1.0} | {area.name: rng.uniform(0.1, 0.7) for area in rng.sample(nearest, rng.randint(1, 4))}


def incoming_lead(
    truth: Truth,
    person: Person,
    rng: Random,
    *,
    external_id: str,
    created_at: datetime,
    listing: Listing | None,
    owner: Agent | None,
) -> LeadInput:
    """What the door receives: some of the truth, in round figures, and whatever contact points the door asks for.

    `listing` is what they ask about, if anything; `owner` the agent who gets them, where that is already known.
    """
    source = truth.source
    points = _contact_points(truth.source, person, rng)
    opted_out: tuple[Channel, ...] = ("sms", "call") if rng.random() < 0.012 else ()
    return LeadInput(
        origin=ORIGIN,
        external_id=external_id,
        source=source.name,
        full_name=f"{person.given_name} {person.family_name}",
        given_name=person.given_name,
        family_name=person.family_name,
        contact_points=points,
        address=_address(truth, person, rng),
        created_at=created_at,
        message=_message(truth, listing, rng),
        listing_key=listing.listing_key if listing else None,
        criteria=stated_criteria(truth, rng) if rng.random() < source.criteria else {},
        owner_email=owner.email if owner else None,
        tags=_TAGS.get(source.code, ()),
        consents=tuple(
            Consent(channel, created_at, _WORDING)
            for channel in _agreed_channels(points, rng)
            if channel not in opted_out
        ),
        opted_out=opted_out,
        custom={"campaign": rng.choice(_CAMPAIGNS[source.code])} if source.code in _CAMPAIGNS else {},
    )


def second_touch(first: LeadInput, truth: Truth, person: Person, rng: Random, at: datetime) -> LeadInput | None:
    """The same person at another door, spelled otherwise; None where neither e-mail nor phone would tell who it is."""
    known = {point.kind for point in first.contact_points}
    door = rng.choice([source for source in SOURCES if source.code not in ("SC", truth.source.code)])
    if "email" in known:
        point = email_point(respelled_email(rng, person))
    elif "phone" in known and person.phone:
        point = phone_point(respelled_phone(rng, person.phone))
    else:
        return None
    return LeadInput(
        origin=ORIGIN,
        external_id=f"{first.external_id}-{door.code}",
        source=door.name,
        full_name=person.given_name,
        given_name=person.given_name,
        contact_points=(point,),
        created_at=at,
        message=rng.choice(_SECOND_MESSAGES),
        consents=(Consent(_CHANNEL_OF[point.kind], at, _WORDING),),
    )


def stated_criteria(truth: Truth, rng: Random) -> dict[str, Any]:
    """What they say they want, as the payload of `criteria.stated`: true, but in round figures and not all of it."""
    if truth.intent == "sell":
        criteria: dict[str, Any] = {"intent": "sell"}
    else:
        criteria = {
            "intent": truth.intent,
            "price_max": round_price(truth.budget * rng.uniform(0.97, 1.10)),
            "areas": sorted(truth.tastes, key=lambda name: -truth.tastes[name])[:3],
            "bedrooms_min": truth.bedrooms_min,
            "property_type": truth.property_sub_type,
            "financing": "cash" if truth.cash else "preapproved" if truth.preapproved else rng.choice(_NOT_YET),
        }
        if truth.intent == "rent":
            criteria = {"intent": "rent", "areas": criteria["areas"], "bedrooms_min": truth.bedrooms_min}
        elif rng.random() < 0.35:
            criteria["price_min"] = round_price(truth.budget * rng.uniform(0.6, 0.8))
    if rng.random() < 0.75:
        said = truth.horizon_days * rng.lognormvariate(0.0, 0.35)
        criteria["timeframe_days"] = next((days for days in (30, 60, 90, 180) if said <= days), 365)
    return criteria


def round_price(price: float) -> int:
    """A price as people say it: to 25,000 dollars."""
    return max(25_000, round(price / 25_000) * 25_000)


_NOT_YET = ("applying", "none", "none")

_WORDING = (
    "By submitting this form I agree to be contacted by Wrenfield Realty about real estate by e-mail, call and text"
    " message, also by automated means. Consent is not a condition of purchase. Reply STOP to end."
)

_TAGS = {"OH": ("open-house",), "RF": ("referral",), "SC": ("sign-call",)}

_CAMPAIGNS = {
    "FB": ("First home in Portland", "What is my home worth?", "Westside new listings"),
    "GA": ("portland homes for sale", "sell my house portland", "lake oswego homes"),
}

_CHANNEL_OF: Mapping[str, Channel] = {"email": "email", "phone": "sms"}


def _contact_points(source: Source, person: Person, rng: Random) -> tuple[ContactPoint, ...]:
    points: list[ContactPoint] = []
    if rng.random() < source.email:
        points.append(email_point(person.email))
    if person.phone and rng.random() < source.phone:
        points.append(phone_point(respelled_phone(rng, person.phone)))
    return tuple(points)


def _agreed_channels(points: Sequence[ContactPoint], rng: Random) -> Iterator[Channel]:
    for point in points:
        if rng.random() < 0.88:
            yield _CHANNEL_OF[point.kind]
            if point.kind == "phone" and rng.random() < 0.9:
                yield "call"


def _address(truth: Truth, person: Person, rng: Random) -> Address | None:
    if person.home is not None:
        city, state, postal_code = person.home
        return Address(city=city, state=state, postal_code=postal_code, country="US")
    if truth.intent == "sell" or rng.random() < 0.25:
        area = rng.choice([area for area in AREAS if area.name in truth.tastes])
        street = f"{rng.randint(101, 9899)} {area.prefix} {rng.choice(STREETS)} {rng.choice(STREET_TYPES)}"
        return Address(street.replace("  ", " "), area.city, STATE, area.postal_code, "US")
    return None


def _message(truth: Truth, listing: Listing | None, rng: Random) -> str | None:
    if listing is not None:
        return rng.choice(_ABOUT_A_LISTING).format(address=listing.unparsed_address, key=listing.listing_key)
    if rng.random() < 0.45:
        return rng.choice(_GENERAL_MESSAGES[truth.intent]).format(area=max(truth.tastes, key=lambda n: truth.tastes[n]))
    return None


_ABOUT_A_LISTING = (
    "I am interested in {address}.",
    "Is {address} still available?",
    "I would like to schedule a tour of {address}.",
    "Please send me more information about {key}.",
    "What are the HOA dues and taxes for {address}?",
)
_GENERAL_MESSAGES: Mapping[Intent, Sequence[str]] = {
    "buy": (
        "Looking for something in {area}. Could you set up a search for me?",
        "We are starting to look around {area}. What should we know?",
        "Relocating this year and would like to talk about {area}.",
        "Just browsing for now.",
    ),
    "sell": (
        "What could my home in {area} sell for?",
        "Thinking of selling in {area}. What do you charge?",
        "I would like a valuation of my home.",
    ),
    "rent": ("Do you have anything to rent around {area}?", "Looking for a lease near {area}."),
}
_SECOND_MESSAGES = (
    "I wrote to you before about a home. Could somebody call me?",
    "Please add me to your list of new homes.",
    "Checking in again, still looking.",
    None,
)
