"""ADF, the Auto-lead Data Format 1.0 in XML, which property portals use as well as car dealers.

The element names are those of the format's specification; `property` beside `vehicle` is what portals add to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from porchlight.integrations.payloads import UnreadablePayload, bounded, content_id, refuse_large
from porchlight.leads.assembly import DEFAULT_READING, Reading, Stated, assemble
from porchlight.leads.fields import CUSTOM
from porchlight.leads.inputs import LeadInput

FIELD_OF_PATH: Mapping[str, str] = {
    "id": "external_id",
    "requestdate": "created_at",
    "provider.name": "source",
    "provider.name.full": "source",
    "customer.contact.name": "full_name",
    "customer.contact.name.full": "full_name",
    "customer.contact.name.first": "first_name",
    "customer.contact.name.last": "last_name",
    "customer.contact.email": "email",
    "customer.contact.phone": "phone",
    "customer.contact.phone.voice": "phone",
    "customer.contact.phone.cellphone": "phone",
    "customer.contact.address.street": "street",
    "customer.contact.address.city": "city",
    "customer.contact.address.regioncode": "state",
    "customer.contact.address.postalcode": "postal_code",
    "customer.contact.address.country": "country",
    "customer.comments": "message",
    "customer.timeframe.description": "timeframe",
    **{
        f"{subject}.{detail}": field
        for subject in ("vehicle", "property")
        for detail, field in {
            "interest": "intent",
            "id": "listing_key",
            "stock": "listing_key",
            "mls": "listing_key",
            "mlsnumber": "listing_key",
            "price": "budget",
            "comments": "message",
        }.items()
    },
}
"""Where a lead's fields stand below `prospect`; a `part` or `type` attribute is the last step of the path."""

_STEP_ATTRIBUTES = {"name": "part", "phone": "type"}
_DEEPEST = 12
_BEFORE_XML = re.compile(rb"\A(?:\xef\xbb\xbf)?\s+")


@dataclass(frozen=True, slots=True)
class AdfConfig:
    """`source` is the lead's source where the message names no provider."""

    source: str = "ADF"
    reading: Reading = DEFAULT_READING


def parse(body: bytes, config: AdfConfig) -> list[LeadInput]:
    """The prospects in an ADF message; raises `PorchlightError`."""
    refuse_large(body)
    try:
        root = fromstring(_BEFORE_XML.sub(b"", body), forbid_dtd=True)
    except DefusedXmlException as error:
        raise UnreadablePayload("The XML declares a DTD or entities, which ADF never needs: send it without") from error
    except (ParseError, ValueError, LookupError) as error:
        raise UnreadablePayload(f"The body is not well-formed XML ({error}): send an ADF 1.0 document") from error
    prospects = [root] if root.tag == "prospect" else root.findall("prospect")
    if not prospects:
        raise UnreadablePayload(f"The XML holds no <prospect> below <{root.tag}>: send an ADF 1.0 document")
    return [_lead(prospect, config) for prospect in prospects]


def _lead(prospect: Element, config: AdfConfig) -> LeadInput:
    identifier = prospect.find("id")
    namer = identifier.get("source") if identifier is not None else None
    lead, _ = assemble(
        bounded(_stated(prospect)),
        origin=f"adf:{namer or _provider(prospect) or config.source}",
        external_id=content_id(tostring(prospect, encoding="unicode")),
        source=config.source,
        reading=config.reading,
    )
    return lead


def _provider(prospect: Element) -> str | None:
    return (prospect.findtext("provider/name") or "").strip() or None


def _stated(prospect: Element) -> Iterator[Stated]:
    streets = [text for street in prospect.iterfind("customer/contact/address/street") if (text := _text(street))]
    if streets:
        yield "street", "street", ", ".join(streets)
    for path, text in _leaves(prospect, "", 0):
        if path != "customer.contact.address.street":
            yield FIELD_OF_PATH.get(path, CUSTOM), path, text


def _leaves(element: Element, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Every text below an element with its path; the preferred and primary contact points come first."""
    if depth > _DEEPEST:
        raise UnreadablePayload(f"The XML is nested more than {_DEEPEST} deep: send an ADF 1.0 document")
    if element.tag in {"vehicle", "property"} and element.get("interest"):
        yield f"{path}.interest", str(element.get("interest"))
    for child in sorted(element, key=lambda child: child.get("preferredcontact") != "1"):
        step = child.get(_STEP_ATTRIBUTES.get(child.tag, ""), "").strip().lower()
        below = ".".join(part for part in (path, child.tag, step) if part)
        if len(child):
            yield from _leaves(child, below, depth + 1)
        else:
            if text := _text(child):
                yield below, text
            if child.tag in {"vehicle", "property"} and child.get("interest"):
                yield f"{below}.interest", str(child.get("interest"))


def _text(element: Element) -> str:
    return (element.text or "").strip()
