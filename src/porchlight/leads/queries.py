"""Reading leads. Every query takes the owners whose leads the reader may see; None means all of the tenant's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import and_, func, literal, or_, select, text, tuple_
from sqlalchemy.sql.elements import ColumnElement

from porchlight.accounts.tables import User
from porchlight.intelligence.conversion import TERMINAL_STAGES
from porchlight.kit.crypto import b64, unb64
from porchlight.kit.database import UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.kit.text import prefix_query
from porchlight.leads.tables import Activity, ContactPoint, Lead, LeadState, Score

Owners = Sequence[UUID] | None
Sort = Literal["-score", "score", "-last_activity_at", "-captured_at", "name"]
MOST = 200
MOST_COUNTED = 10_000

_SORTS: Mapping[str, tuple[Any, bool]] = {
    # name: (column, descending)
    "-score": (LeadState.score, True),
    "score": (LeadState.score, False),
    "-last_activity_at": (LeadState.last_activity_at, True),
    "-captured_at": (Lead.captured_at, True),
    "name": (func.coalesce(Lead.name, ""), False),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of leads is narrowed to; None and False narrow nothing. `waiting`: open, and nobody has it."""

    q: str | None = None
    stage: str | None = None
    grade: str | None = None
    source: str | None = None
    owner_id: UUID | None = None
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the cursor of the next ones; None at the end."""

    rows: list[Any]
    next_cursor: str | None


def encode_cursor(*values: Any) -> str:
    return b64(orjson.dumps(values))


def decode_cursor(cursor: str | None, *kinds: type) -> list[Any] | None:
    """The values in a cursor of ours. Raises `request_invalid` on anything else."""
    if cursor is None:
        return None
    try:
        values = orjson.loads(unb64(cursor))
        if not isinstance(values, list) or len(values) != len(kinds):
            raise ValueError
        return [_READERS[kind](value) for kind, value in zip(kinds, values, strict=True)]
    except (ValueError, TypeError) as error:
        raise PorchlightError(
            "request_invalid", "Use the next_cursor of the previous page as it is.", field="cursor"
        ) from error


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    return value


_READERS: Mapping[type, Callable[[Any], Any]] = {
    UUID: lambda value: UUID(_text(value)),
    datetime: datetime.fromisoformat,
    float: float,
    str: _text,
}
_CURSOR_KINDS = {"-score": float, "score": float, "-last_activity_at": datetime, "-captured_at": datetime, "name": str}


def _seen_by(owners: Owners) -> list[ColumnElement[bool]]:
    return [] if owners is None else [Lead.owner_id.in_(list(owners))]


def _base(uow: UnitOfWork) -> Any:
    return (
        select(Lead, LeadState, User.name.label("owner_name"))
        .join(LeadState, and_(LeadState.tenant_id == Lead.tenant_id, LeadState.lead_id == Lead.id))
        .outerjoin(User, and_(User.tenant_id == Lead.tenant_id, User.id == Lead.owner_id))
        .where(LeadState.tenant_id == uow.tenant_id)
    )


def _conditions(filters: Filters, owners: Owners) -> list[ColumnElement[bool]]:
    conditions = _seen_by(owners)
    if filters.q and (query := prefix_query(filters.q)) is not None:
        conditions.append(Lead.search.bool_op("@@")(func.to_tsquery("simple", query)))
    exact = ((Lead.stage, filters.stage), (Lead.source, filters.source), (LeadState.grade, filters.grade))
    conditions += [column == value for column, value in exact if value]
    if filters.owner_id is not None:
        conditions.append(Lead.owner_id == filters.owner_id)
    if filters.waiting:
        conditions += [Lead.owner_id.is_(None), Lead.stage.not_in(sorted(TERMINAL_STAGES))]
    return conditions


async def list_leads(
    uow: UnitOfWork,
    filters: Filters,
    owners: Owners,
    *,
    sort: Sort = "-score",
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """Leads in the order of `sort`, ties by id; each row is (Lead, LeadState, the owner's name)."""
    column, descending = _SORTS[sort]
    # The second key follows the first one's direction where an index has both, as for the ranking.
    identity = LeadState.lead_id
    statement = _base(uow).where(*_conditions(filters, owners))
    after = decode_cursor(cursor, _CURSOR_KINDS[sort], UUID)
    if after is not None:
        value, last_id = after
        beyond = column < value if descending else column > value
        statement = statement.where(or_(beyond, and_(column == value, identity > last_id)))
        # Implied by the line above, and what lets the index be entered at the right place.
        statement = statement.where(column <= value if descending else column >= value)
    statement = statement.order_by(column.desc() if descending else column, identity).limit(limit + 1)
    rows = list((await uow.session.execute(statement)).all())
    more = None
    if len(rows) > limit:
        rows = rows[:limit]
        more = encode_cursor(_sort_value(sort, rows[-1]), rows[-1][0].id)
    return Page(rows, more)


def _sort_value(sort: str, row: Any) -> Any:
    lead, state, _ = row
    values = {
        "name": lead.name or "",
        "-captured_at": lead.captured_at,
        "-last_activity_at": state.last_activity_at,
    }
    return values.get(sort, state.score)


async def count_leads(uow: UnitOfWork, filters: Filters, owners: Owners, *, at_most: int = MOST_COUNTED) -> int | None:
    """How many leads there are, None where it is more than `at_most`: counting a million is too dear for a page."""
    inner = _base(uow).where(*_conditions(filters, owners)).with_only_columns(literal(1)).limit(at_most + 1).subquery()
    count = await uow.session.scalar(select(func.count()).select_from(inner)) or 0
    return count if count <= at_most else None


async def get_lead(uow: UnitOfWork, lead_id: UUID, owners: Owners) -> Any:
    """(Lead, LeadState, the owner's name). Raises `lead_not_found` also for a lead that the reader may not see."""
    statement = _base(uow).where(LeadState.lead_id == lead_id, *_seen_by(owners))
    row = (await uow.session.execute(statement)).one_or_none()
    if row is None:
        raise PorchlightError("lead_not_found", "There is no such lead, or it is not yours to see.")
    return row


async def contact_points(uow: UnitOfWork, lead_ids: Sequence[UUID]) -> dict[UUID, list[ContactPoint]]:
    """The contact points of each lead, e-mail first, the oldest first."""
    found: dict[UUID, list[ContactPoint]] = {lead_id: [] for lead_id in lead_ids}
    statement = (
        select(ContactPoint)
        .where(ContactPoint.tenant_id == uow.tenant_id, ContactPoint.lead_id.in_(lead_ids))
        .order_by(ContactPoint.kind, ContactPoint.added_at, ContactPoint.value)
    )
    for point in await uow.session.scalars(statement):
        found[point.lead_id].append(point)
    return found


async def list_activities(uow: UnitOfWork, lead_id: UUID, *, limit: int = 50, cursor: str | None = None) -> Page:
    """A lead's facts, the latest first."""
    statement = select(Activity).where(Activity.tenant_id == uow.tenant_id, Activity.lead_id == lead_id)
    after = decode_cursor(cursor, datetime, UUID)
    if after is not None:
        statement = statement.where(tuple_(Activity.occurred_at, Activity.id) < tuple_(*map(literal, after)))
    statement = statement.order_by(Activity.occurred_at.desc(), Activity.id.desc()).limit(limit + 1)
    rows = list(await uow.session.scalars(statement))
    more = encode_cursor(rows[limit - 1].occurred_at, rows[limit - 1].id) if len(rows) > limit else None
    return Page(rows[:limit], more)


async def list_scores(uow: UnitOfWork, lead_id: UUID, *, limit: int = 50, cursor: str | None = None) -> Page:
    """The changes of a lead's score, the latest first."""
    statement = select(Score).where(Score.tenant_id == uow.tenant_id, Score.lead_id == lead_id)
    after = decode_cursor(cursor, UUID)
    if after is not None:
        statement = statement.where(Score.id < after[0])
    statement = statement.order_by(Score.id.desc()).limit(limit + 1)
    rows = list(await uow.session.scalars(statement))
    return Page(rows[:limit], encode_cursor(rows[limit - 1].id) if len(rows) > limit else None)


async def lead_sources(uow: UnitOfWork) -> list[str]:
    """The tenant's sources, by skipping through them rather than reading every lead."""
    statement = text(
        """
        WITH RECURSIVE s (source) AS (
            (SELECT source FROM leads WHERE tenant_id = :tenant ORDER BY source LIMIT 1)
            UNION ALL
            SELECT (SELECT l.source FROM leads l WHERE l.tenant_id = :tenant AND l.source > s.source
                    ORDER BY l.source LIMIT 1) FROM s WHERE s.source IS NOT NULL
        )
        SELECT source FROM s WHERE source IS NOT NULL LIMIT 200
        """
    )
    return [row[0] for row in (await uow.session.execute(statement, {"tenant": uow.tenant_id})).all()]
