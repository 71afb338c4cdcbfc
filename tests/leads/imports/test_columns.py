"""A column's field is told by name and content, with the reason; people can overrule it, and are told how."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import pytest

from porchlight.kit.tables.reading import open_table
from porchlight.kit.tables.records import Record
from porchlight.leads.imports.columns import BadMapping, ColumnMapping, parse_overrides, recognise

EMAILS = [f"joe{n}@smith.net" for n in range(30)]
PHONES = [f"(650) 253-{n:04d}" for n in range(1000, 1030)]
IDS = [f"L{n}" for n in range(30)]
DATES = [f"3/{1 + n % 28}/2024" for n in range(30)]
NAMES = [
    f"{given} {family}"
    for given in ("Joe", "Ann", "Zoë", "Wei", "Olu")
    for family in ["Smith", "Lee", "Diaz", "Okafor", "Novak", "Ito"]
]


def mapped(columns: Mapping[str, Sequence[str]], **options: object) -> ColumnMapping:
    sample = list(zip(*columns.values(), strict=True))
    return recognise(list(columns), sample, **options)  # type: ignore[arg-type]


def fields(columns: Mapping[str, Sequence[str]], **options: object) -> dict[str, str]:
    return {column.column: column.field for column in mapped(columns, **options).columns}


@pytest.mark.parametrize(
    "headers",
    [
        "First Name,Last Name,Stage,Lead Source,Tags,Email 1,Email 2,Phone 1,Phone 2,Date Added,Price,Notes",
        "first_name,last_name,status,source,hashtags,email,email_2,cell_phone_1,home_phone,registered,x,notes",
        "First Name,Last Name,Lifecycle Stage,Original Source,Labels,Email,Work email,Phone Number,Mobile Phone Number,"
        "Create Date,x,Description",
        "FirstName,LastName,Status,LeadSource,Tags,Email,Secondary Email,Phone,MobilePhone,CreatedDate,x,Description",
    ],
)
def test_the_headers_of_common_crms_are_known_by_name(headers: str) -> None:
    found = recognise(headers.split(","), [])
    assert [column.field for column in found.columns] == [
        "first_name", "last_name", "stage", "source", "tags", "email", "email", "phone", "phone", "created_at",
        "custom", "notes",
    ]  # fmt: skip


def test_unnamed_columns_are_known_by_their_content_and_say_so() -> None:
    found = mapped({"Column 1": EMAILS, "Reach on": PHONES, "Client": NAMES, "When it was": DATES})
    assert [column.field for column in found.columns] == ["email", "phone", "full_name", "custom"]
    assert [column.why for column in found.columns][:2] == [
        "content: 100% look like e-mail addresses",
        "content: 100% look like phone numbers",
    ]
    assert found.columns[0].samples == tuple(EMAILS[:3])


def test_content_of_somebody_else_or_of_identifiers_is_left_alone() -> None:
    assert fields({"Spouse e-mail": EMAILS, "Listing Number Key": [f"650253{n}" for n in range(1000, 1030)]}) == {
        "Spouse e-mail": "custom",
        "Listing Number Key": "custom",
    }


def test_a_name_that_the_content_belies_is_not_believed() -> None:
    found = mapped({"Email": ["yes"] * 30, "ID": ["a"] * 30, "Owner": ["Ann Agent"] * 30})
    assert [column.field for column in found.columns] == ["custom", "custom", "custom"]
    assert found.columns[0].why == "named like email, but 0% of it look like e-mail addresses"


def test_an_owner_column_counts_where_it_holds_addresses() -> None:
    assert fields({"Assigned To": EMAILS})["Assigned To"] == "owner_email"


def test_only_the_best_column_feeds_a_field_that_takes_one() -> None:
    found = mapped({"Lead Number": IDS, "Prospect ID": IDS[::-1], "Email": EMAILS, "Email 2": EMAILS})
    assert [column.field for column in found.columns] == ["custom", "external_id", "email", "email"]
    assert found.columns[0].why == "'Prospect ID' already gives the external_id"


def test_past_results_are_never_guessed_but_pointed_out() -> None:
    columns = {"Converted": ["1", "0"] * 15, "outcome": ["won"] * 30}
    found = mapped(columns)
    assert [column.field for column in found.columns] == ["custom", "custom"]
    assert "--outcome" in found.columns[0].why
    assert fields(columns, outcome="converted") == {"Converted": "outcome", "outcome": "custom"}


def test_dates_say_by_themselves_whether_the_day_comes_first() -> None:
    assert mapped({"Created": ["13/04/2024", "3/4/2024"]}).day_first
    assert not mapped({"Created": ["3/4/2024"]}).day_first
    assert mapped({"Created": ["3/4/2024"]}, region="GB").day_first


def test_people_overrule_every_guess() -> None:
    found = fields(
        {"Email": EMAILS, "Memo": IDS, "Pets": IDS, "Ref": IDS},
        overrides={"Email": "ignore", "memo": "notes", "Pets": "custom:animals"},
        external_id="Ref",
    )
    assert found == {"Email": "ignore", "Memo": "notes", "Pets": "custom:animals", "Ref": "external_id"}


@pytest.mark.parametrize(
    ("overrides", "advice"),
    [
        ({"Emial": "email"}, "did you mean 'Email'"),
        ({"Email": "e-mail"}, "did you mean email"),
        ({"Email": "fone"}, "phone"),
        ({"Email": "custom:"}, "The fields are"),
        ({"Email": "source", "Other": "source"}, "only one column"),
    ],
)
def test_a_wrong_override_is_answered_with_what_would_be_right(overrides: dict[str, str], advice: str) -> None:
    with pytest.raises(BadMapping, match=advice):
        mapped({"Email": EMAILS, "Other": IDS}, overrides=overrides)


def test_overrides_are_written_as_column_equals_field() -> None:
    assert parse_overrides(["a=b=email", " x = notes "]) == {"a=b": "email", "x": "notes"}
    for wrong in ("email", "=email", "x="):
        with pytest.raises(BadMapping, match="COLUMN=FIELD"):
            parse_overrides([wrong])


DATA = Path(os.environ.get("PORCHLIGHT_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))


def _mapping_of(name: str) -> dict[str, str]:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"needs {name}: name the folder that holds it with PORCHLIGHT_TEST_DATA")
    with open_table(path) as table:
        sample = [row.cells for row in islice(table.rows, 1_000) if isinstance(row, Record)]
        return {column.column: column.field for column in recognise(table.columns, sample).columns}


def test_a_real_file_of_people_maps_by_itself() -> None:
    assert _mapping_of("entity_resolution/splink_fake_1000.csv.gz") == {
        "unique_id": "external_id",
        "first_name": "first_name",
        "surname": "last_name",
        "dob": "custom",
        "city": "city",
        "email": "email",
        "cluster": "custom",
    }


def test_a_real_crm_export_maps_by_itself() -> None:
    found = _mapping_of("leads_x_education/leads.csv.gz")
    assert {column: field for column, field in found.items() if field != "custom"} == {
        "Prospect ID": "external_id",
        "Lead Source": "source",
        "Do Not Email": "do_not_email",
        "Do Not Call": "do_not_call",
        "Country": "country",
        "Tags": "tags",
        "City": "city",
    }
    assert len(found) == 37
