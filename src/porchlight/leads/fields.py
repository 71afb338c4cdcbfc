"""The vocabulary of an incoming lead: its fields, and the names other systems give them.

Column headers of exports, keys of JSON hooks and questions of lead forms are all looked up here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

CUSTOM = "custom"
"""The field of everything that has none: kept under its own name, or under NAME when written `custom:NAME`."""
IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Field:
    """`names` are the field's names elsewhere, as `canonical` writes them. `many`: several columns may feed it."""

    name: str
    meaning: str
    names: tuple[str, ...]
    many: bool = False


# Names as in the exports and import templates of Follow Up Boss, kvCORE/BoldTrail, Lofty, Sierra, HubSpot, Salesforce,
# Zillow, and in the standard questions of Meta and Google lead forms.
_FIELDS = (
    Field("external_id", "the lead's identifier in the system it comes from",
          ("external id", "externalid", "lead id", "leadid", "prospect id", "contact id", "person id", "client id",
           "customer id", "record id", "unique id", "uid", "uuid", "guid", "id", "record id contact", "hs object id",
           "leadgen id", "inquiry id", "lead number", "contact number", "reference number")),
    Field("first_name", "given name",
          ("first name", "firstname", "fname", "given name", "forename", "first")),
    Field("last_name", "family name",
          ("last name", "lastname", "lname", "surname", "family name", "last")),
    Field("full_name", "the whole name, where it is not in parts",
          ("full name", "fullname", "name", "lead name", "contact name", "customer name", "client name",
           "your name", "prospect name", "display name", "buyer name")),
    Field("email", "e-mail address; several may be given",
          ("email", "emails", "email address", "e mail", "e mail address", "mail", "email addresses", "emailaddress",
           "primary email address", "your email", "user email"), many=True),
    Field("phone", "phone number; several may be given",
          ("phone", "phones", "phone number", "phone numbers", "telephone", "tel", "mobile", "mobile phone",
           "mobile number", "cell", "cell phone", "cellphone", "cell number", "cell phone number", "phonenumber",
           "mobilephone", "mobile phone number", "home phone", "work phone", "contact phone", "landline",
           "whatsapp phone number", "your phone number", "user phone"), many=True),
    Field("street", "street and house number of the person's address",
          ("street", "street address", "address", "address line", "address street", "mailing street",
           "mailing address", "mailing address street", "home address", "address1")),
    Field("city", "city of the person's address",
          ("city", "town", "address city", "mailing city", "mailing address city")),
    Field("state", "state or province of the person's address",
          ("state", "province", "region", "address state", "mailing state", "state province", "state region",
           "mailing state province", "mailing address state")),
    Field("postal_code", "postal code of the person's address",
          ("postal code", "zip", "zip code", "zipcode", "postcode", "post code", "postalcode", "address zip",
           "mailing zip", "address postal code", "mailing zip postal code", "zip postal code")),
    Field("country", "country of the person's address",
          ("country", "country region", "address country", "mailing country", "country code")),
    Field("source", "where the lead came from",
          ("source", "lead source", "original source", "utm source", "source name", "traffic source",
           "lead source name", "leadsource", "contact source", "referral source")),
    Field("stage", "how far the pursuit is",
          ("stage", "lead stage", "pipeline stage", "lifecycle stage", "lead status", "status", "contact status",
           "leadstatus", "pipeline")),
    Field("created_at", "when the lead came in",
          ("created at", "created", "created date", "date created", "create date", "creation date", "createdate",
           "createddate", "createdat", "date added", "added", "registered", "registration date", "register date",
           "registered at", "inquiry date", "lead date", "lead created", "submitted at", "submission date",
           "created time", "created on", "date received", "received at", "request date", "requestdate")),
    Field("message", "what the person wrote",
          ("message", "inquiry", "inquiry message", "comments", "comment", "question", "questions", "your message",
           "lead message", "inquiry text"), many=True),
    Field("listing_key", "the listing the person asked about",
          ("listing key", "listingkey", "listing id", "listingid", "mls", "mls id", "mls number", "mlsnumber", "mls no",
           "property id", "listing number", "property mls number", "inquiry mls number")),
    Field("price_min", "lowest price the person looks for",
          ("price min", "min price", "minimum price", "minprice", "pricemin", "price from", "price low", "budget min",
           "min budget", "minimum budget")),
    Field("price_max", "highest price the person looks for",
          ("price max", "max price", "maximum price", "maxprice", "pricemax", "price to", "price high", "budget max",
           "max budget", "maximum budget")),
    Field("budget", "a price or a price range",
          ("budget", "price range", "pricerange", "target price", "desired price", "average price",
           "what is your budget", "purchase budget")),
    Field("areas", "where the person wants to live",
          ("areas", "area", "preferred area", "preferred areas", "preferred location", "desired location",
           "desired area", "areas of interest", "area of interest", "neighborhood", "neighborhoods", "neighbourhood",
           "preferred city", "search area", "search areas", "target city", "preferred neighborhood", "search city"),
          many=True),
    Field("timeframe", "within what time the person means to act",
          ("timeframe", "time frame", "timeline", "buying timeframe", "purchase timeframe", "when", "move date",
           "moving timeframe", "buying time frame", "selling time frame", "selling timeframe",
           "when are you looking to buy", "when are you looking to move", "when do you plan to buy")),
    Field("intent", "buy, sell or rent",
          ("intent", "lead type", "leadtype", "deal type", "dealtype", "buyer seller", "buyer or seller",
           "looking to", "i am looking to", "transaction type", "buying or selling")),
    Field("bedrooms_min", "fewest bedrooms wanted",
          ("bedrooms min", "min beds", "min bedrooms", "minimum bedrooms", "beds", "bedrooms", "bedrooms wanted")),
    Field("bathrooms_min", "fewest bathrooms wanted",
          ("bathrooms min", "min baths", "min bathrooms", "minimum bathrooms", "baths", "bathrooms")),
    Field("property_type", "kind of home wanted", ("property type", "propertytype", "home type", "type of property")),
    Field("financing", "cash, preapproved, applying or none",
          ("financing", "finance status", "mortgage status", "pre approval status", "preapproval status",
           "pre approval", "preapproval", "financing status")),
    Field("owner_email", "e-mail address of the agent whose lead this is",
          ("owner email", "agent email", "assigned agent email", "assigned to email", "assigned email",
           "contact owner email", "lead owner email", "assigned user email")),
    Field("tags", "labels, divided by commas",
          ("tags", "tag", "labels", "hashtags", "groups", "lead tags", "contact tags"), many=True),
    Field("notes", "what the team wrote about the lead",
          ("notes", "note", "description", "background", "agent notes", "lead notes", "remarks", "contact notes"),
          many=True),
    Field("consent_email", "whether the person agreed to e-mail",
          ("consent email", "email consent", "email opt in", "email optin", "opted in email", "email opted in",
           "marketing emails consent", "email permission", "accepts email", "email subscribed")),
    Field("consent_sms", "whether the person agreed to text messages",
          ("consent sms", "sms consent", "text consent", "sms opt in", "sms optin", "text opt in", "opted in sms",
           "opted into text", "tcpa consent", "consent text", "accepts sms", "accepts texts", "sms opted in")),
    Field("do_not_email", "whether the person refuses e-mail",
          ("do not email", "donotemail", "email opt out", "email optout", "unsubscribed", "email unsubscribed",
           "has opted out of email", "hasoptedoutofemail", "unsubscribed from all email", "opted out email",
           "email opted out", "opt out of email", "hs email optout", "bulk email opt out")),
    Field("do_not_call", "whether the person refuses calls, and with them text messages",
          ("do not call", "donotcall", "dnc", "call opt out", "on do not call list", "do not call list",
           "phone opt out", "dnc status")),
    Field("do_not_text", "whether the person refuses text messages",
          ("do not text", "donottext", "sms opt out", "text opt out", "sms optout", "opted out sms",
           "do not sms", "sms unsubscribed")),
    Field("do_not_contact", "whether the person refuses all contact",
          ("do not contact", "donotcontact", "opted out", "opt out", "do not market")),
    Field("outcome", "how the pursuit ended: won or lost", ("outcome",)),
    Field("outcome_at", "when it ended",
          ("outcome at", "close date", "closed date", "closed at", "date closed", "converted date", "converted at",
           "conversion date", "lost date", "sold date", "closing date")),
)  # fmt: skip

FIELDS: Mapping[str, Field] = {field.name: field for field in _FIELDS}

_FIELD_NAMED = {name: field.name for field in _FIELDS for name in (field.name.replace("_", " "), *field.names)}

_QUALIFIERS = frozenset(
    {"primary", "secondary", "preferred", "main", "home", "work", "personal", "office", "business", "other", "best",
     "alternate", "alternative", "additional", "value", "contact", "customer", "client", "person", "lead", "prospect",
     "buyer", "applicant", "visitor", "your", "user", "line"}
)  # fmt: skip
"""Words beside a field's name that say which of several, or repeat that it is the lead's."""

_SOMEBODY_ELSE = frozenset(
    {"agent", "agents", "assigned", "owner", "spouse", "partner", "co", "coborrower", "lender", "broker", "brokerage",
     "company", "vendor", "referrer", "referred", "referral", "manager", "assistant", "emergency", "listing", "seller",
     "team", "created", "updated", "modified", "fax", "provider", "campaign", "form", "ad", "page"}
)  # fmt: skip
"""With one of these words in its name, an e-mail address, phone or name is not known to be the lead's own."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORDS = re.compile(r"[a-z0-9]+")
_LONGEST_NAME = 200


def canonical(name: str) -> str:
    """A name in lower-case words without punctuation: `firstName`, `First_Name` and `FIRST NAME` are one."""
    split = name if name.isupper() else _CAMEL.sub(" ", name[:_LONGEST_NAME])
    return " ".join(_WORDS.findall(split[:_LONGEST_NAME].lower()))


@lru_cache(maxsize=4096)
def field_named(name: str) -> str | None:
    """The field a name stands for, or None. Exact names come first, then names with qualifiers or numbers left out."""
    words = canonical(name)
    if words in _FIELD_NAMED:
        return _FIELD_NAMED[words]
    core = " ".join(word for word in words.split() if word not in _QUALIFIERS and not word.isdecimal())
    if core == words or is_of_somebody_else(name):
        return None
    found = _FIELD_NAMED.get(core)
    return found if found in _QUALIFIABLE else None


_QUALIFIABLE = frozenset(
    {"email", "phone", "first_name", "last_name", "full_name", "street", "city", "state", "postal_code", "country",
     "tags", "notes", "message", "created_at", "source", "stage"}
)  # fmt: skip
"""Fields still meant when a qualifier stands beside the name: "Home City" is a city, "Lead ID 2" no longer an id."""


def is_exact_name(name: str) -> bool:
    return canonical(name) in _FIELD_NAMED


def is_of_somebody_else(name: str) -> bool:
    """Whether the name speaks of another person or thing than the lead."""
    return not _SOMEBODY_ELSE.isdisjoint(canonical(name).split())


def is_field(field: str) -> bool:
    return field in FIELDS or field in {CUSTOM, IGNORE} or (field.startswith(f"{CUSTOM}:") and len(field) > 7)


def fields_like(field: str) -> list[str]:
    """Fields whose names resemble the given one, for advice."""
    known = field_named(field)
    return [known] if known else get_close_matches(field.lower(), [*FIELDS, CUSTOM, IGNORE], n=3, cutoff=0.5)


def unknown_field_advice(field: str) -> str:
    """What to write instead of a field that does not exist."""
    close = fields_like(field)
    meant = f"did you mean {_listed(close)}? " if close else ""
    return f"there is no field {field!r}: {meant}The fields are {_listed(FIELDS)}, {CUSTOM}:NAME and {IGNORE}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
