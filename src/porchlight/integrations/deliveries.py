"""What hooks delivered, taken in: each source's way of proving who calls, and of turning a body into leads.

The body was stored before; taking it in twice does no more than taking it in once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from pydantic import SecretStr

from porchlight.integrations.adf import payload as adf
from porchlight.integrations.generic import payload as generic
from porchlight.integrations.google_lead_form import payload as google
from porchlight.integrations.meta import payload as meta
from porchlight.integrations.meta.client import FetchFailed, MetaClient, fetch_lead
from porchlight.jobs.app import long_job
from porchlight.kit.database import Actor, UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import Settings
from porchlight.leads.assembly import Reading
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.fields import is_field, unknown_field_advice
from porchlight.leads.hooks import HookSource, OpenHook, hook_by_id, load_delivery, settle_delivery
from porchlight.leads.inputs import LeadInput
from porchlight.leads.locality import reading_of
from porchlight.leads.replay import OpenItem


def check_field_map(source: HookSource, field_map: Mapping[str, str]) -> dict[str, str]:
    """A hook's field map as a person wrote it; raises `import_mapping_invalid`.

    Generic JSON gives fields their path in the payload; Meta and Google give a form's questions their field.
    """
    if source == "generic":
        return generic.check_field_map(field_map)
    if source == "adf" and field_map:
        raise PorchlightError("import_mapping_invalid", "ADF says itself which field is which: leave the map out.")
    for field in field_map.values():
        if not is_field(field):
            raise PorchlightError("import_mapping_invalid", unknown_field_advice(field), field="field_map")
    return dict(field_map)


# Who calls


def verify_sender(hook: OpenHook, settings: Settings, body: bytes, headers: Mapping[str, str]) -> None:
    """Check the proof that the source's calls carry beside the address. Raises `signature_invalid`.

    A body that cannot be read carries none; that is for `read` to say.
    """
    if hook.source == "meta":
        secret = _needed(settings.meta_app_secret, "PORCHLIGHT_META_APP_SECRET")
        meta.verify_signature(body, headers.get("x-hub-signature-256"), secret)
    elif hook.source == "google_lead_form":
        try:
            google.check_key(body, hook.has_key)
        except PorchlightError as error:
            if error.code == "signature_invalid":
                raise


def answer_challenge(settings: Settings, query: Mapping[str, str]) -> str:
    """What Meta wants to hear when it checks a hook's address. Raises `signature_invalid`."""
    return meta.answer_challenge(query, _needed(settings.meta_verify_token, "PORCHLIGHT_META_VERIFY_TOKEN"))


def _needed(setting: SecretStr | None, name: str) -> str:
    if setting is None:
        raise PorchlightError("unavailable", f"This server cannot check who calls: set {name} and call again.")
    return setting.get_secret_value()


# What it says


def _generic(hook: OpenHook, body: bytes, reading: Reading) -> list[LeadInput]:
    return generic.parse(body, generic.GenericConfig(hook.name, hook.field_map, reading=reading))


def _google(hook: OpenHook, body: bytes, reading: Reading) -> list[LeadInput]:
    return google.parse(body, google.GoogleConfig(hook.name, hook.field_map, reading))


def _adf(hook: OpenHook, body: bytes, reading: Reading) -> list[LeadInput]:
    return adf.parse(body, adf.AdfConfig(hook.name, reading))


def _meta(_: OpenHook, body: bytes, __: Reading) -> list[meta.LeadNotice]:
    return meta.parse_notification(body)


_READERS: Mapping[HookSource, Callable[[OpenHook, bytes, Reading], Sequence[LeadInput | meta.LeadNotice]]] = {
    "generic": _generic,
    "google_lead_form": _google,
    "adf": _adf,
    "meta": _meta,
}


def read(hook: OpenHook, body: bytes, reading: Reading) -> Sequence[LeadInput | meta.LeadNotice]:
    """What a body says: its leads, or where the leads are to be fetched. Raises `PorchlightError`."""
    return _READERS[hook.source](hook, body, reading)


# Taking it in


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery. With `error` it is not all in; `passing` says whether trying later may help."""

    leads: int
    error: str | None = None
    passing: bool = False


class DeliveryUnfinished(Exception):  # noqa: N818 - it names what happened, and makes the queue try again
    pass


@long_job("hooks.process")
async def process(runtime: Runtime, tenant_id: UUID, delivery_id: str) -> None:
    """Take a delivery in; one that failed for a reason that passes is tried again."""
    outcome = await take_in(runtime, tenant_id, UUID(delivery_id))
    if outcome.error is not None and outcome.passing:
        raise DeliveryUnfinished(outcome.error)


async def replay(runtime: Runtime, tenant_id: UUID, items: Sequence[OpenItem]) -> int:
    """Take in deliveries that are not done; returns how many are now."""
    outcomes = [await take_in(runtime, tenant_id, item.id) for item in items]
    return sum(outcome.error is None for outcome in outcomes)


async def take_in(runtime: Runtime, tenant_id: UUID, delivery_id: UUID) -> Outcome:
    """Capture the leads of a delivery; one that is in already is left alone."""
    async with runtime.database.unit_of_work(tenant_id) as uow:
        delivery = await load_delivery(uow, delivery_id, lock=True)
        if delivery.status == "done":
            return Outcome(0)
        hook = await hook_by_id(uow, delivery.hook_id)
        uow.actor = _actor(hook)
        try:
            found = read(hook, delivery.body, await reading_of(uow))
        except PorchlightError as error:
            await settle_delivery(uow, delivery_id, "failed", error=error.detail)
            return Outcome(0, error.detail)
        leads = [lead for lead in found if isinstance(lead, LeadInput)]
        notices = [notice.leadgen_id for notice in found if not isinstance(notice, LeadInput)]
        if not notices:
            if leads:
                incoming = [Incoming(lead, {"delivery_id": delivery_id}) for lead in leads]
                await capture_leads(uow, incoming, door="hook", live=True)
            await settle_delivery(uow, delivery_id, "done")
            return Outcome(len(leads))
    # Meta names its leads only. Fetching them takes its time, which no transaction should wait for.
    return await _fetch(runtime, tenant_id, hook, delivery_id, notices)


def _actor(hook: OpenHook) -> Actor:
    return Actor("hook", hook.id, hook.name)


_CAPTURED: LiteralString = """
SELECT external_id FROM inbound
WHERE tenant_id = %s AND kind = 'lead' AND origin = %s AND external_id = ANY(%s) AND lead_id IS NOT NULL
"""


async def _fetch(
    runtime: Runtime, tenant_id: UUID, hook: OpenHook, delivery_id: UUID, leadgen_ids: list[str]
) -> Outcome:
    database, actor = runtime.database, _actor(hook)
    async with database.unit_of_work(tenant_id, actor) as uow:
        cursor = await uow.connection.execute(_CAPTURED, (tenant_id, meta.ORIGIN, leadgen_ids))
        missing = list(dict.fromkeys(leadgen_ids))
        for (known,) in await cursor.fetchall():
            missing.remove(known)
    failures: list[tuple[str, PorchlightError]] = []
    for leadgen_id in missing:
        try:
            answer = await fetch_lead(_client(runtime.settings), leadgen_id)
            async with database.unit_of_work(tenant_id, actor) as uow:
                await _capture_fetched(uow, hook, answer)
        except PorchlightError as error:
            failures.append((leadgen_id, error))
    said = "; ".join(f"lead {leadgen_id}: {failure.detail}" for leadgen_id, failure in failures) or None
    async with database.unit_of_work(tenant_id, actor) as uow:
        await settle_delivery(uow, delivery_id, "failed" if failures else "done", error=said)
    passing = any(isinstance(failure, FetchFailed) and failure.passing for _, failure in failures)
    return Outcome(len(missing) - len(failures), said, passing)


def _client(settings: Settings) -> MetaClient:
    token = settings.meta_page_token
    if token is None:
        raise PorchlightError("unavailable", "set PORCHLIGHT_META_PAGE_TOKEN, then run `porchlight replay`")
    return MetaClient(token.get_secret_value(), settings.meta_graph_url)


async def _capture_fetched(uow: UnitOfWork, hook: OpenHook, answer: dict[str, Any]) -> None:
    lead = meta.parse_lead(answer, meta.MetaConfig(hook.name, hook.field_map, await reading_of(uow)))
    await capture_leads(uow, [Incoming(lead, answer)], door="hook", live=True)
