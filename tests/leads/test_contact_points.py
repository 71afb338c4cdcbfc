"""The same mailbox or phone has one value, however it is written; what is none is refused with advice."""

from __future__ import annotations

from collections.abc import Callable

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, example, given
from hypothesis import strategies as st

from porchlight.leads.contact_points import (
    MAIL_PROVIDERS,
    PLACEHOLDER_NAMES,
    BadContactPoint,
    email_point,
    normalise_email,
    normalise_phone,
    phone_point,
)

ALIASED = [domain for provider in MAIL_PROVIDERS for domain in provider.domains]


def _taken(normalise: Callable[..., str], *written: str) -> tuple[str | None, str | None]:
    """The value, or the reason why there is none."""
    try:
        return normalise(*written), None
    except BadContactPoint as error:
        return None, error.reason


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("Joe@Example.COM ", "joe@example.com"),
        ("joe.smith@gmail.com", "joesmith@gmail.com"),
        ("J.o.e.Smith+zillow@GoogleMail.com", "joesmith@gmail.com"),
        ("joe.smith+zillow@outlook.com", "joe.smith@outlook.com"),
        ("joe+x@icloud.com", "joe@icloud.com"),
        ("joe+x@smith-realty.com", "joe+x@smith-realty.com"),
        ("joe.smith@smith-realty.com", "joe.smith@smith-realty.com"),
        ('"Joe S." <joe@smith.net>', "joe@smith.net"),
        ("mailto:joe@smith.net", "joe@smith.net"),
        ("<joe@smith.net>;", "joe@smith.net"),
        ("test@example.com", "test@example.com"),
        ("jo@porchlight.test", "jo@porchlight.test"),
        ("joe@XN--MNCHEN-3YA.de", "joe@münchen.de"),
    ],
)
def test_an_address_is_written_as_its_mailbox(raw: str, value: str) -> None:
    assert normalise_email(raw) == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "missing"),
        (" N/A ", "missing"),
        ("none@gmail.com", "placeholder"),
        ("n.o.n.e+1@gmail.com", "placeholder"),
        ("test@test.com", "placeholder"),
        ("joe", "invalid"),
        ("joe@", "invalid"),
        ("joe@localhost", "invalid"),
        ("joe smith@smith.net", "invalid"),
        ("a@b.com, c@d.com", "invalid"),
        ("x" * 300 + "@smith.net", "invalid"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(raw: str, reason: str) -> None:
    with pytest.raises(BadContactPoint) as caught:
        normalise_email(raw)
    assert caught.value.reason == reason
    assert caught.value.field == "email"
    assert len(caught.value.detail) < 400


EMAIL_LIKE = st.one_of(
    st.emails(),
    st.text(max_size=40),
    st.from_regex(r"[A-Za-z0-9_.+'-]{1,12}@([A-Za-z0-9.-]{1,10}\.){1,3}[a-z]{1,5}", fullmatch=True),
    st.builds("{}@{}".format, st.text("aB.+-'_9", min_size=1, max_size=9), st.sampled_from(ALIASED)),
)


def _library_email(raw: str) -> str | None:
    try:
        return validate_email(raw.strip(), check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        return None


@given(EMAIL_LIKE)
@example("joe@a--b.com")
@example("joe@x.local")
@example("joe@-x.com")
@example("joe@" + "a" * 64 + ".com")
@example("j@\u212aelvin.com")
def test_whatever_the_library_takes_is_taken_alike(raw: str) -> None:
    expected = _library_email(raw)
    assume(expected is not None and expected.rsplit("@")[-1] not in ALIASED)
    assert _taken(normalise_email, raw) in {(expected, None), (None, "placeholder")}


@given(EMAIL_LIKE)
def test_whatever_is_taken_is_an_address_to_the_library(raw: str) -> None:
    value, _ = _taken(normalise_email, raw)
    assert value is None or _library_email(value) == value


@given(EMAIL_LIKE)
def test_normalising_an_address_twice_changes_nothing(raw: str) -> None:
    value, _ = _taken(normalise_email, raw)
    assert value is None or normalise_email(value) == value


@given(
    st.text("abcdefghij", min_size=3, max_size=10),
    st.text("abc.123", max_size=8),
    st.sampled_from(["gmail.com", "googlemail.com", "GMAIL.com"]),
    st.data(),
)
def test_dots_tags_and_case_never_tell_two_gmail_addresses_apart(
    name: str, tag: str, domain: str, data: st.DataObject
) -> None:
    assume(name not in PLACEHOLDER_NAMES)
    dotted = "".join(letter + data.draw(st.sampled_from(["", "."])) for letter in name[:-1]) + name[-1]
    written = f"{dotted.upper()}{'+' + tag.strip('.').replace('..', '.') if tag.strip('.') else ''}@{domain}"
    assume(_library_email(written) is not None)
    assert normalise_email(written) == f"{name}@gmail.com"


@pytest.mark.parametrize(
    ("raw", "region", "value"),
    [
        ("(650) 253-0000", "US", "+16502530000"),
        ("650.253.0000", "US", "+16502530000"),
        ("1-650-253-0000", "US", "+16502530000"),
        ("+1 650 253 0000", "GB", "+16502530000"),
        ("650-253-0000 ext. 12", "US", "+16502530000"),
        ("6502530000.0", "US", "+16502530000"),
        ("Cell: 650-253-0000", "US", "+16502530000"),
        ("650-253-0000 (mobile)", "US", "+16502530000"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+44 20 7946 0958", "US", "+442079460958"),
        ("416-967-1111", "CA", "+14169671111"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("555-555-0100", "US", "+15555550100"),
        ("+15555550100", "US", "+15555550100"),
    ],
)
def test_a_number_is_written_as_e164(raw: str, region: str, value: str) -> None:
    assert normalise_phone(raw, region) == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "missing"),
        ("unknown", "missing"),
        ("000-000-0000", "placeholder"),
        ("1111111111", "placeholder"),
        ("+1 (555) 555-5555", "placeholder"),
        ("888-888-8888", "placeholder"),
        ("123-456-7890", "placeholder"),
        ("6.50253E+09", "rounded"),
        ("12", "invalid"),
        ("call me", "invalid"),
        ("020 7946 0958", "invalid"),
        ("9" * 400, "invalid"),
        ("12345" * 80, "invalid"),
    ],
)
def test_what_is_no_number_is_refused_with_the_reason(raw: str, reason: str) -> None:
    with pytest.raises(BadContactPoint) as caught:
        normalise_phone(raw)
    assert caught.value.reason == reason
    assert caught.value.field == "phone"
    assert len(caught.value.detail) < 400


def _library_phone(raw: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


NORTH_AMERICAN = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", " ", "+", "(", " ("]),
        st.sampled_from(["", "1", "1 ", "1-", "+1", "+1.", "1 ("]),
        st.from_regex(r"[0-9]{3}", fullmatch=True),
        st.sampled_from(["", ")", ") ", "-", " - ", "."]),
        st.from_regex(r"[0-9]{3}", fullmatch=True),
        st.sampled_from(["", "-", " ", ".", "--"]),
        st.from_regex(r"[0-9]{3,5}", fullmatch=True),
        st.sampled_from(["", " ", " x5", "/"]),
    ),
)


@given(st.one_of(NORTH_AMERICAN, st.text("0123456789+()-. x", max_size=18)), st.sampled_from(["US", "CA", "GB", "BS"]))
@example("2423651234", "US")
@example("+1 242 365 1234", "GB")
def test_a_number_is_what_the_library_says_it_is(raw: str, region: str) -> None:
    value, reason = _taken(normalise_phone, raw, region)
    assume(reason not in {"missing", "placeholder", "rounded"} and not str(value).startswith("+1555555"))
    assert value == _library_phone(raw.strip().removesuffix(".0"), region)


def test_every_area_code_and_exchange_is_judged_and_placed_as_the_library_does() -> None:
    for prefix in range(200_007, 1_000_000, 97):
        written = f"{prefix}0147"
        value, _ = _taken(normalise_phone, written)
        if not written.startswith("55555501"):
            assert value == _library_phone(written, "US"), written
        if value and not written.startswith("55555501"):
            assert phone_point(written).region == phonenumbers.region_code_for_number(phonenumbers.parse(value)), (
                written
            )


def test_the_extension_stays_readable_beside_the_number() -> None:
    point = phone_point("650-253-0000 x12")
    assert (point.value, point.raw, point.region) == ("+16502530000", "650-253-0000 x12", "US")


def test_a_number_knows_its_country_and_an_address_has_none() -> None:
    assert phone_point("+44 20 7946 0958").region == "GB"
    assert phone_point("416-967-1111").region == "CA"
    assert email_point("joe@smith.net").region is None
