from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.audit.record import record
from porchlight.audit.verify import Chain, Entry, Fault, genesis, link, verify
from porchlight.kit.database import Actor, libpq_url
from porchlight.kit.ids import uuid7
from porchlight.kit.installation import Urls

TENANT = UUID(int=7)

Head = tuple[int, bytes]


def sealed(bodies: Sequence[str]) -> list[Entry]:
    entries: list[Entry] = []
    previous = genesis(TENANT)
    for seq, body in enumerate(bodies, start=1):
        previous = link(previous, seq, body)
        entries.append(Entry(seq, body, previous))
    return entries


def head_of(entries: Sequence[Entry]) -> Head:
    return entries[-1].seq, entries[-1].hash


def faults(entries: Sequence[Entry], head: Head | None) -> list[tuple[int, str]]:
    return [(fault.seq, fault.kind) for fault in explained(entries, head)]


def explained(entries: Sequence[Entry], head: Head | None) -> list[Fault]:
    chain = Chain(TENANT)
    for entry in entries:
        chain.take(entry)
    return chain.faults(head)


def chains(least: int = 1) -> st.SearchStrategy[list[Entry]]:
    # Bodies from so small an alphabet repeat, as real deeds do.
    return st.lists(st.text("ab", max_size=3), min_size=least, max_size=9).map(sealed)


@given(chains())
def test_a_sound_chain_has_no_faults(entries: list[Entry]) -> None:
    assert faults(entries, head_of(entries)) == []


def test_a_log_that_nobody_wrote_has_no_faults() -> None:
    assert faults([], None) == []


@given(chains(), st.data())
def test_an_altered_body_is_found_where_it_stands(entries: list[Entry], data: st.DataObject) -> None:
    head = head_of(entries)
    at = data.draw(st.integers(0, len(entries) - 1))
    body = data.draw(st.text(max_size=3).filter(lambda text: text != entries[at].body))
    entries[at] = replace(entries[at], body=body)
    assert faults(entries, head) == [(at + 1, "altered")]


@given(chains(), st.data())
def test_an_altered_hash_breaks_both_links_that_it_is_part_of(entries: list[Entry], data: st.DataObject) -> None:
    head = head_of(entries)
    at = data.draw(st.integers(0, len(entries) - 1))
    bit = data.draw(st.integers(0, 255))
    digest = (int.from_bytes(entries[at].hash, "big") ^ (1 << bit)).to_bytes(32, "big")
    entries[at] = replace(entries[at], hash=digest)
    expected = [(seq, "altered") for seq in (at + 1, at + 2) if seq <= len(entries)]
    assert faults(entries, head) == expected


@given(chains(), st.data())
def test_an_entry_sealed_anew_after_an_alteration_no_longer_fits_what_follows(
    entries: list[Entry], data: st.DataObject
) -> None:
    head = head_of(entries)
    at = data.draw(st.integers(0, len(entries) - 1))
    entry = entries[at]
    previous = entries[at - 1].hash if at else genesis(TENANT)
    entries[at] = Entry(entry.seq, entry.body + "!", link(previous, entry.seq, entry.body + "!"))
    last = at == len(entries) - 1
    assert faults(entries, head) == [(at + 1, "head") if last else (at + 2, "altered")]


@given(chains(2), st.data())
def test_a_chain_sealed_anew_to_its_end_is_not_the_one_of_the_head(entries: list[Entry], data: st.DataObject) -> None:
    bodies = [entry.body for entry in entries]
    bodies[data.draw(st.integers(0, len(bodies) - 1))] += "!"
    assert faults(sealed(bodies), head_of(entries)) == [(len(entries), "head")]


@given(chains(2), st.data())
def test_entries_deleted_before_the_last_are_missing(entries: list[Entry], data: st.DataObject) -> None:
    first = data.draw(st.integers(1, len(entries) - 1))
    last = data.draw(st.integers(first, len(entries) - 1))
    [fault] = explained(entries[: first - 1] + entries[last:], head_of(entries))
    assert (fault.seq, fault.kind) == (first, "missing")
    span = f"Entry {first} is" if first == last else f"Entries {first} to {last} are"
    assert fault.sentence == f"{span} missing."


@given(chains(), st.data())
def test_entries_cut_off_at_the_end_are_missing(entries: list[Entry], data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, len(entries) - 1))
    assert faults(entries[:kept], head_of(entries)) == [(kept + 1, "missing")]


@given(chains(2), st.data())
def test_entries_added_without_the_head_are_not_what_it_was_sealed_with(
    entries: list[Entry], data: st.DataObject
) -> None:
    kept = data.draw(st.integers(0, len(entries) - 1))
    head = head_of(entries[:kept]) if kept else None
    assert faults(entries, head) == [(len(entries), "head")]


@given(chains(2), st.data())
def test_two_entries_in_each_other_s_places_are_reordered_and_nobody_else(
    entries: list[Entry], data: st.DataObject
) -> None:
    head = head_of(entries)
    one, other = data.draw(st.sampled_from(list(itertools.combinations(range(len(entries)), 2))))
    entries[one], entries[other] = (
        replace(entries[other], seq=one + 1),
        replace(entries[one], seq=other + 1),
    )
    assert faults(entries, head) == [(one + 1, "reordered"), (other + 1, "reordered")]


@given(chains(5), st.data())
def test_each_of_several_faults_is_named(entries: list[Entry], data: st.DataObject) -> None:
    head = head_of(entries)
    altered = data.draw(st.integers(1, len(entries) - 4))
    gap = data.draw(st.integers(altered + 1, len(entries) - 2))
    entries[altered - 1] = replace(entries[altered - 1], body="something else")
    left = [entry for entry in entries[:-1] if entry.seq != gap]
    assert faults(left, head) == [(altered, "altered"), (gap, "missing"), (len(entries), "missing")]


@pytest.fixture
def tenant_id() -> UUID:
    """A tenant whose log is empty: founding a brokerage is itself a deed."""
    return uuid7()


async def do_deeds(runtime: Any, tenant_id: UUID, count: int) -> None:
    async with runtime.database.unit_of_work(tenant_id) as uow:
        for number in range(count):
            record(uow, "lead.noted", "lead", number=number, name="Zoë “Ö”\n\U0001f3e1")


async def verified(runtime: Any, tenant_id: UUID) -> tuple[int, list[tuple[int, str]]]:
    async with runtime.database.unit_of_work(tenant_id) as uow:
        count, found = await verify(uow)
    return count, [(fault.seq, fault.kind) for fault in found]


def as_owner(installation: Urls, statement: str, *parameters: Any) -> int:
    with psycopg.connect(libpq_url(installation.owner), autocommit=True) as connection:
        return connection.execute(statement.encode(), parameters).rowcount


async def test_what_units_of_work_record_is_a_sound_chain(runtime: Any, tenant_id: UUID) -> None:
    await do_deeds(runtime, tenant_id, 3)
    await do_deeds(runtime, tenant_id, 2)
    assert await verified(runtime, tenant_id) == (5, [])


async def test_an_entry_says_who_did_what_to_what_and_when(runtime: Any, tenant_id: UUID) -> None:
    actor, subject = Actor("user", uuid7(), "Ada"), uuid7()
    async with runtime.database.unit_of_work(tenant_id, actor) as uow:
        record(uow, "team.renamed", "team", subject, to="East")
    async with runtime.database.unit_of_work(tenant_id) as uow:
        cursor = await uow.connection.execute("SELECT body FROM audit_entries")
        [(body,)] = await cursor.fetchall()
    assert orjson.loads(body) == {
        "at": "2026-03-10T19:00:00Z",
        "actor": {"kind": "user", "id": str(actor.id), "label": "Ada"},
        "deed": "team.renamed",
        "subject": {"kind": "team", "id": str(subject)},
        "details": {"to": "East"},
    }


async def test_units_of_work_at_the_same_moment_write_one_sound_chain(runtime: Any, tenant_id: UUID) -> None:
    async def several() -> None:
        for count in (1, 2, 3):
            await do_deeds(runtime, tenant_id, count)

    await asyncio.gather(*(several() for _ in range(8)))
    assert await verified(runtime, tenant_id) == (48, [])


async def test_a_deed_that_was_rolled_back_leaves_no_entry(runtime: Any, tenant_id: UUID) -> None:
    await do_deeds(runtime, tenant_id, 1)

    async def fail() -> None:
        async with runtime.database.unit_of_work(tenant_id) as uow:
            record(uow, "lead.noted", "lead")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await do_deeds(runtime, tenant_id, 1)
    assert await verified(runtime, tenant_id) == (2, [])


@pytest.mark.parametrize(
    ("tampering", "expected"),
    [
        ("UPDATE audit_entries SET body = replace(body, 'noted', 'voted')", (4, [(2, "altered")])),
        ("UPDATE audit_entries SET hash = sha256(hash)", (4, [(2, "altered"), (3, "altered")])),
        ("DELETE FROM audit_entries", (3, [(2, "missing")])),
    ],
)
async def test_what_the_owner_of_the_tables_does_to_an_entry_is_found(
    runtime: Any, tenant_id: UUID, installation: Urls, tampering: str, expected: tuple[int, list[tuple[int, str]]]
) -> None:
    await do_deeds(runtime, tenant_id, 4)
    assert as_owner(installation, f"{tampering} WHERE tenant_id = %s AND seq = 2", tenant_id) == 1
    assert await verified(runtime, tenant_id) == expected


async def test_entries_that_the_owner_of_the_tables_cuts_off_are_missing(
    runtime: Any, tenant_id: UUID, installation: Urls
) -> None:
    await do_deeds(runtime, tenant_id, 4)
    assert as_owner(installation, "DELETE FROM audit_entries WHERE tenant_id = %s AND seq > 2", tenant_id) == 2
    assert await verified(runtime, tenant_id) == (2, [(3, "missing")])


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entries SET body = '{}'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"],
)
async def test_the_application_cannot_change_what_is_written(runtime: Any, tenant_id: UUID, statement: str) -> None:
    await do_deeds(runtime, tenant_id, 2)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with runtime.database.unit_of_work(tenant_id) as uow:
            await uow.connection.execute(statement)
    assert await verified(runtime, tenant_id) == (2, [])
