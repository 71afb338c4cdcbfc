"""An import by way of the pages, without a script: upload, check, start, watch, and what was rejected."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping
from typing import Any

import pytest
from tests.web.conftest import Visit
from tests.web.visitors import BROWSER, NOTHING, Document, Visitor, hire

from porchlight.accounts.permissions import Role
from porchlight.leads.fields import FIELDS
from porchlight.web.vocabulary import LEAD_FIELDS

LEADS = """Full Name,E-mail,Cell,Budget,Pets
Ada Moreno,ada@example.com,(206) 555-0142,850000,two cats
Bo Berg,bo@example.com,206-555-0143,"$1,200,000",
Cleo Case,cleo@example.com,206-555-0144,640k,
Dan Dole,dan@example.com,206-555-0145,500000,
Eve Elm,eve@example.com,206-555-0146,700000,one dog
"""
BROKEN = LEADS + "Finn,finn@example.com,206-555-0147,1,2,3,4\n"


@pytest.fixture
async def admin(brokerage: Any, visit: Visit) -> Visitor:
    return await visit(brokerage, brokerage.admin_id)


async def send_file(visitor: Visitor, name: str, content: bytes, status: int = 200) -> Document:
    page = await visitor.open("/import")
    answer = await visitor.client.post(
        "/import",
        data=page.form("/import").fields | {"file": ""},
        files={"file": (name, content, "text/csv")},
        headers=BROWSER,
        follow_redirects=True,
    )
    assert answer.status_code == status, answer.text[:500]
    return Document(answer.text, answer.status_code, answer.url.path)


async def run(brokerage: Any, visitor: Visitor, page: Document, typed: Mapping[str, str] = NOTHING) -> Document:
    """Start the import on a preview and do its work."""
    queued = await visitor.submit(page, f"{page.url}/start", typed)
    assert "Waiting for a worker" in queued.text
    await brokerage.run_jobs()
    return await visitor.open(page.url)


async def leads(brokerage: Any) -> list[tuple[Any, ...]]:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await uow.connection.execute("SELECT name, source, custom FROM leads ORDER BY name")
        return list(await cursor.fetchall())


async def chunks(brokerage: Any) -> int:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await uow.connection.execute("SELECT count(*) FROM import_chunks")
        row = await cursor.fetchone()
        assert row is not None
        return int(row[0])


async def test_a_file_is_shown_first_and_then_taken_in(brokerage: Any, admin: Visitor) -> None:
    page = await send_file(admin, "C:\\exports\\crm export.csv", LEADS.encode())
    assert "Check the columns" in page.text
    assert "crm export.csv , 5 rows" in page.text or "crm export.csv, 5 rows" in page.text
    fields = page.form(f"{page.url}/start").fields
    assert [fields[f"map.{n}"] for n in range(5)] == ["full_name", "email", "phone", "budget", "custom"]
    assert fields["source"] == "crm export"
    assert await leads(brokerage) == [], "nothing is written before it is agreed to"
    done = await run(brokerage, admin, page, {"source": "Old CRM"})
    assert "5 rows in" in done.text
    assert "/leads?source=Old+CRM" in done.links
    assert [(name, source) for name, source, _ in await leads(brokerage)] == [
        (name, "Old CRM") for name in ("Ada Moreno", "Bo Berg", "Cleo Case", "Dan Dole", "Eve Elm")
    ]
    assert (await leads(brokerage))[0][2] == {"Pets": "two cats"}
    assert "Done" in (await admin.open("/import")).text
    assert await chunks(brokerage) == 0, "the file does not stay"


async def test_columns_become_what_the_person_says(brokerage: Any, admin: Visitor) -> None:
    page = await send_file(admin, "leads.csv", LEADS.encode())
    await run(brokerage, admin, page, {"map.4": "tags", "map.3": "", "map.0": "custom"})
    [first, *_] = await leads(brokerage)
    assert first[0] is None
    assert first[2] == {"Full Name": first[2]["Full Name"]}, "the budget is left out, pets are tags"


async def test_the_same_file_again_makes_nobody_twice(brokerage: Any, admin: Visitor) -> None:
    await run(brokerage, admin, await send_file(admin, "leads.csv", LEADS.encode()))
    again = await run(brokerage, admin, await send_file(admin, "leads.csv.gz", gzip.compress(LEADS.encode())))
    assert "Already known" in again.text
    assert len(await leads(brokerage)) == 5


async def test_rejected_rows_are_shown_counted_and_can_be_fetched_and_mended(brokerage: Any, admin: Visitor) -> None:
    page = await send_file(admin, "leads.csv", BROKEN.encode())
    assert "Of the first 6 rows, 1 would be rejected" in page.text
    done = await run(brokerage, admin, page)
    assert "Rejected rows" in done.text
    [link] = [link for link in done.links if link.endswith("rejects.csv")]
    answer = await admin.raw(link)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="leads.rejects.csv"'
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][:3] == ["rejected_line", "rejected_code", "rejected_reason"]
    assert rows[1][:2] == ["7", "row.too_many_cells"]
    mended = ",".join(rows[0]) + "\n7,,,Finn Fay,finn@example.com,206-555-0147,1,\n"
    await run(brokerage, admin, await send_file(admin, "mended.csv", mended.encode()))
    assert [name for name, _, _ in await leads(brokerage)][-1] == "Finn Fay"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"map.0": "external_id", "map.1": "external_id"}, "both given as"),
        ({"map.0": "first_name", "map.4": "first_name"}, "only one column can be"),
        ({"map.0": "password_hash"}, "from the list"),
        ({"source": " "}, "where these leads came from"),
        ({"source": "x" * 121}, "few words"),
    ],
)
async def test_a_mapping_that_cannot_be_is_shown_again_as_it_was_chosen(
    brokerage: Any, admin: Visitor, typed: dict[str, str], said: str
) -> None:
    page = await send_file(admin, "leads.csv", LEADS.encode())
    again = await admin.submit(page, f"{page.url}/start", typed, status=422)
    assert said in again.text
    for name, value in typed.items():
        if value.strip() and value != "password_hash":
            assert again.form(f"{page.url}/start").fields[name] == value
    await brokerage.run_jobs()
    assert await leads(brokerage) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("leads.csv", b"", "The file is empty"),
        ("leads.xlsx", b"PK\x03\x04" + b"\0" * 100, "save it as CSV"),
        ("leads.csv", b"Name,E-mail\n", "no rows below it"),
        ("leads.csv.gz", gzip.compress(LEADS.encode())[:60], "damaged"),
        ("leads.csv", b"ada@example.com,Ada\nbo@example.com,Bo\n", "not a header"),
    ],
    # Named, because a compressed file holds the time and would give the test another name in each process.
    ids=["empty", "workbook", "header only", "cut off", "no header"],
)
async def test_what_is_no_table_is_refused_with_what_to_do(
    brokerage: Any, admin: Visitor, name: str, content: bytes, said: str
) -> None:
    page = await send_file(admin, name, content, status=422)
    assert said in page.text
    assert page.form("/import").fields.keys() >= {"csrf_token"}, "and the form is there again"
    assert await chunks(brokerage) == 0


async def test_no_file_and_no_token_are_refused(brokerage: Any, admin: Visitor) -> None:
    page = await admin.open("/import")
    assert "Choose a file first" in (await admin.send("/import", page.form("/import").fields, status=422)).text
    files = {"file": ("leads.csv", LEADS.encode(), "text/csv")}
    answer = await admin.client.post("/import", files=files, headers=BROWSER)
    assert answer.status_code == 403
    assert await chunks(brokerage) == 0


async def test_an_upload_may_be_larger_than_a_request_and_not_without_end(
    brokerage: Any, admin: Visitor, runtime: Any
) -> None:
    row = "Ada Moreno,ada@example.com,(206) 555-0142,850000," + "x" * 1_000 + "\n"
    big = LEADS + row * 9_000
    assert len(big) > runtime.settings.max_body_bytes
    assert "Check the columns" in (await send_file(admin, "big.csv", big.encode())).text
    headers = BROWSER | {"content-length": str(runtime.settings.max_upload_bytes + 1)}
    answer = await admin.client.post("/import", content=b"x", headers=headers)
    assert answer.status_code == 413
    assert "at most 256,000,000 bytes" in answer.text


async def test_a_discarded_file_is_gone_and_cannot_start(brokerage: Any, admin: Visitor) -> None:
    page = await send_file(admin, "leads.csv", LEADS.encode())
    fields = page.form(f"{page.url}/start").fields
    after = await admin.send(f"{page.url}/discard", fields)
    assert "nothing of it was taken in" in after.text
    assert "started already" in (await admin.send(f"{page.url}/start", fields)).text
    await brokerage.run_jobs()
    assert await leads(brokerage) == []
    assert await chunks(brokerage) == 0


async def test_an_import_is_stopped_while_it_waits(brokerage: Any, admin: Visitor) -> None:
    page = await send_file(admin, "leads.csv", LEADS.encode())
    queued = await admin.submit(page, f"{page.url}/start")
    assert '<noscript><meta http-equiv="refresh"' in queued.html, "without a script the page looks again by itself"
    stopped = await admin.submit(queued, f"{page.url}/discard")
    assert "You stopped this import" in stopped.text
    await brokerage.run_jobs()
    assert await leads(brokerage) == []


async def test_imports_are_for_those_who_may_and_for_their_own_house(
    brokerage: Any, other_brokerage: Any, visit: Visit, admin: Visitor
) -> None:
    page = await send_file(admin, "leads.csv", LEADS.encode())
    agent = await visit(brokerage, await hire(brokerage, "Ann Agent", Role.AGENT))
    stranger = await visit(other_brokerage, other_brokerage.admin_id)
    for path in (page.url, f"{page.url}/rejects.csv"):
        await agent.open(path, 403)
        await stranger.open(path, 404)
    assert "leads.csv" not in (await stranger.open("/import")).text
    token = (await stranger.open("/leads")).form("/sign-out").fields
    for deed in ("start", "discard"):
        await stranger.send(f"{page.url}/{deed}", token, status=404)


async def test_names_of_files_and_columns_stay_words(brokerage: Any, admin: Visitor) -> None:
    content = LEADS.replace("Pets", "<script>alert(1)</script>").replace("two cats", "<img src=x>")
    page = await send_file(admin, "<script>x.csv", content.encode())
    for each in (page, await run(brokerage, admin, page), await admin.open("/import")):
        assert "<script>alert" not in each.html
        assert "<script>x" not in each.html
        assert "<img src=x>" not in each.html


def test_every_field_of_a_lead_can_be_chosen_in_one_place() -> None:
    offered = [name for group in LEAD_FIELDS.values() for name in group]
    assert sorted(offered) == sorted(FIELDS)
