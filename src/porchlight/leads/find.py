"""Finding leads by the names that other systems have for them: our id, their id, or a contact point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from porchlight.kit.arrays import packed
from porchlight.kit.database import UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.leads.contact_points import BadContactPoint, normalise_email, normalise_phone


@dataclass(frozen=True, slots=True)
class Reference:
    """How an item names its lead; the first that is given counts. `source` narrows `external_id` to one system."""

    lead_id: UUID | None = None
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    source: str | None = None


_BY_EXTERNAL_ID: LiteralString = """
SELECT DISTINCT ON (external_id, origin) external_id, origin, lead_id FROM inbound
WHERE tenant_id = %s AND kind = 'lead' AND lead_id IS NOT NULL AND external_id = ANY(%s)
"""
_BY_CONTACT_POINT: LiteralString = """
SELECT c.kind, c.value, c.lead_id
FROM unnest(%s::text[], %s::text[]) AS asked (kind, value)
JOIN contact_points c ON c.tenant_id = %s AND c.kind = asked.kind AND c.value = asked.value
"""


async def find_leads(
    uow: UnitOfWork, references: Mapping[int, Reference], region: str
) -> dict[int, UUID | PorchlightError]:
    """The lead of each reference, or why there is none. An id is taken at its word: locking finds out."""
    found: dict[int, UUID | PorchlightError] = {}
    by_external: dict[int, Reference] = {}
    points: dict[int, tuple[str, str]] = {}
    for n, reference in references.items():
        if reference.lead_id is not None:
            found[n] = reference.lead_id
        elif reference.external_id is not None:
            by_external[n] = reference
        else:
            try:
                points[n] = _point(reference, region)
            except PorchlightError as error:
                found[n] = error
    if by_external:
        found |= await _by_external_id(uow, by_external)
    if points:
        leads = await leads_by_contact_point(uow, list(points.values()))
        found |= {n: leads.get(point, _nobody(point[0])) for n, point in points.items()}
    return found


async def leads_by_contact_point(uow: UnitOfWork, points: list[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    """The lead that each normalised (kind, value) belongs to, for those that belong to one."""
    cursor = await uow.connection.execute(
        _BY_CONTACT_POINT,
        (packed("text", [kind for kind, _ in points]), packed("text", [value for _, value in points]), uow.tenant_id),
    )
    return {(kind, value): lead_id for kind, value, lead_id in await cursor.fetchall()}


async def _by_external_id(uow: UnitOfWork, references: Mapping[int, Reference]) -> dict[int, UUID | PorchlightError]:
    ids = [reference.external_id for reference in references.values()]
    cursor = await uow.connection.execute(_BY_EXTERNAL_ID, (uow.tenant_id, ids))
    leads: dict[str, dict[str, UUID]] = {}
    for external_id, source, lead_id in await cursor.fetchall():
        leads.setdefault(external_id, {})[source] = lead_id
    answer: dict[int, UUID | PorchlightError] = {}
    for n, reference in references.items():
        candidates = leads.get(reference.external_id or "", {})
        # The caller's own source is preferred; without it, the id must mean the same lead everywhere.
        preferred = candidates.get(reference.source or "")
        distinct = set(candidates.values())
        if preferred is not None or len(distinct) == 1:
            answer[n] = preferred or distinct.pop()
        elif distinct:
            answer[n] = PorchlightError(
                "conflict",
                f"Several sources use the id {reference.external_id!r}; name the source, or use lead_id.",
                field="external_id",
            )
        else:
            answer[n] = _nobody("external_id")
    return answer


def _point(reference: Reference, region: str) -> tuple[str, str]:
    try:
        if reference.email is not None:
            return "email", normalise_email(reference.email)
        if reference.phone is not None:
            return "phone", normalise_phone(reference.phone, region)
    except BadContactPoint as error:
        raise PorchlightError("contact_point_invalid", error.detail, field=error.field) from error
    raise PorchlightError("request_invalid", "Name the lead by lead_id, external_id, email or phone.", field="lead_id")


def _nobody(field: str) -> PorchlightError:
    return PorchlightError(
        "lead_not_found", f"No lead has this {field}; capture it with POST /api/v1/leads first.", field=field
    )
