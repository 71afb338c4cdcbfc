"""E-mail addresses and phone numbers in the one form by which leads are told apart.

Two ways of writing that reach the same mailbox or the same phone have the same `value`. The value can be written to and
called: nothing is folded that would not arrive. The validity rules are those of `email-validator` and `phonenumbers`;
the patterns here are short cuts for the usual shapes and give what the libraries give (the tests compare them).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat

from porchlight.kit.errors import PorchlightError
from porchlight.leads.values import MISSING

ContactKind = Literal["email", "phone"]


class ContactPoint(NamedTuple):
    """One way to reach a person. `value` is the normalised form, `raw` what was written (with a phone's extension).

    `region` is the ISO 3166 code of the country a phone number belongs to; None for e-mail and for numbers of no
    country (international toll-free).
    """

    kind: ContactKind
    value: str
    raw: str
    region: str | None = None


class BadContactPoint(PorchlightError):  # noqa: N818 - it names what was found, and is also kept as a note
    """Text that is no usable contact point. `reason` is one of missing, placeholder, invalid, rounded."""

    def __init__(self, kind: ContactKind, reason: str, detail: str):
        super().__init__("contact_point_invalid", detail, field=kind)
        self.reason = reason


def email_point(raw: str) -> ContactPoint:
    """The e-mail address in `raw` as a contact point; raises `BadContactPoint`."""
    return ContactPoint("email", normalise_email(raw), raw)


def phone_point(raw: str, region: str = "US") -> ContactPoint:
    """The phone number in `raw`, read as people in `region` write it; raises `BadContactPoint`."""
    value, country = _read_phone(raw, region)
    return ContactPoint("phone", value, raw, country)


# E-mail


@dataclass(frozen=True, slots=True)
class MailProvider:
    """How a provider delivers: the domains that are one mail system and what it ignores before the @-sign.

    All of these ignore whatever follows a plus sign.
    `canonical` is the domain the others stand for, None where a name at one domain may be another person's at the next.
    """

    domains: tuple[str, ...]
    why: str
    canonical: str | None = None
    dots_ignored: bool = False


MAIL_PROVIDERS: tuple[MailProvider, ...] = (
    MailProvider(
        ("gmail.com", "googlemail.com"),
        "Gmail ignores dots and whatever follows a plus sign; googlemail.com is its older name for the same mailboxes.",
        canonical="gmail.com",
        dots_ignored=True,
    ),
    MailProvider(
        ("outlook.com", "hotmail.com", "live.com", "msn.com", "hotmail.co.uk", "live.co.uk", "outlook.co.uk",
         "hotmail.fr", "outlook.fr", "live.fr", "hotmail.de", "outlook.de", "live.de", "hotmail.es", "outlook.es",
         "hotmail.it", "outlook.it", "live.it", "live.ca", "hotmail.ca", "live.nl", "outlook.com.au", "live.com.au",
         "hotmail.com.br", "outlook.com.br"),
        "Outlook.com delivers name+tag to name. Dots count, and each domain has mailboxes of its own.",
    ),
    MailProvider(
        ("icloud.com", "me.com", "mac.com"),
        "iCloud delivers name+tag to name. The older domains stay as they are: not every owner kept all three.",
    ),
    MailProvider(
        ("fastmail.com", "fastmail.fm"),
        "Fastmail delivers name+tag to name. It sells many more domains; a name may belong to two people across them.",
    ),
    MailProvider(
        ("proton.me", "protonmail.com", "pm.me", "protonmail.ch"),
        "Proton delivers name+tag to name. The domains stay apart: an owner activates each of them singly.",
    ),
    MailProvider(
        ("zoho.com", "zohomail.com"),
        "Zoho Mail delivers name+tag to name.",
    ),
    MailProvider(
        ("yandex.com", "yandex.ru", "ya.ru"),
        "Yandex delivers name+tag to name.",
    ),
    # Yahoo is not here: it separates a tag with a hyphen, but after a base name that differs from the account's, so
    # that the owner cannot be told. Other domains are not here either: a plus sign may belong to the name.
)  # fmt: skip

_PROVIDER_OF = {domain: provider for provider in MAIL_PROVIDERS for domain in provider.domains}

PLACEHOLDER_NAMES = frozenset(
    {"none", "no", "na", "n-a", "nope", "null", "nil", "noemail", "no-email", "no.email", "no_email", "noemailgiven",
     "nomail", "no-mail", "noaddress", "notprovided", "notgiven", "unknown", "donotemail", "fake", "fakeemail",
     "asdf", "asdfasdf", "youremail"}
)  # fmt: skip
"""What is typed before the @-sign by people who give no address, without regard to the domain: taking these for
addresses would make one lead of many people, while refusing one that is real only leaves it unmatched."""

TEST_NAMES = frozenset({"test", "testing", "test1", "test123", "tester", "testtest"})
"""Placeholders too, but not at the domains reserved for examples (RFC 2606): vendors send their test leads from there,
and nobody's real address can be among them."""

_RESERVED_FOR_EXAMPLES = re.compile(r"(?:.*\.)?(?:example(?:\.(?:com|net|org))?|test)")

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_USUAL_EMAIL = re.compile(
    rf"([A-Za-z0-9_+'-]+(?:\.[A-Za-z0-9_+'-]+)*)@((?:{_LABEL}\.)+(?!(?:arpa|invalid|local|localhost|onion)\Z)[a-z]{{2,}})",
)
_LONGEST_USUAL_EMAIL = 200
_LONGEST_EMAIL = 500
"""With a display name; RFC 5321 allows 254 for the address alone."""
_EMAIL_WRAPPING = re.compile(r"\A[\s\"'<(\[]*(?:mailto:)?|[\s\"'>)\],;.]*\Z", re.IGNORECASE)


def normalise_email(raw: str) -> str:
    """The mailbox that `raw` reaches: valid, lower case, and without what its provider ignores (`MAIL_PROVIDERS`).

    Domains of test environments (`.test`) are allowed; nothing is looked up. A display name, `mailto:` and punctuation
    around the address are dropped. Raises `BadContactPoint`.
    """
    address = raw.strip().lower()
    usual = _USUAL_EMAIL.fullmatch(address) if len(address) <= _LONGEST_USUAL_EMAIL else None
    if usual is not None and "--" not in usual[2]:
        local, domain = usual[1], usual[2]
    else:
        local, domain = _validated_email(raw).lower().rsplit("@", 1)
    provider = _PROVIDER_OF.get(domain)
    if provider is not None:
        local = _mailbox(local, provider)
        domain = provider.canonical or domain
    if local in PLACEHOLDER_NAMES or (local in TEST_NAMES and not _RESERVED_FOR_EXAMPLES.fullmatch(domain)):
        raise BadContactPoint(
            "email", "placeholder", f"{_shown(raw)} stands in for an address nobody gave: leave the field empty instead"
        )
    return f"{local}@{domain}"


def _mailbox(local: str, provider: MailProvider) -> str:
    untagged = local.partition("+")[0]
    mailbox = untagged.replace(".", "") if provider.dots_ignored else untagged
    return mailbox if mailbox and not mailbox.endswith(".") else local


def _validated_email(raw: str) -> str:
    """The address as `email-validator` normalises it."""
    if raw.strip().lower() in MISSING:
        raise BadContactPoint("email", "missing", "There is no e-mail address here: leave the field empty instead")
    if len(raw) > _LONGEST_EMAIL:
        raise BadContactPoint("email", "invalid", f"{_shown(raw)} is too long for an e-mail address")
    try:
        return _library_email(raw.strip())
    except EmailNotValidError as error:
        try:
            return _library_email(_EMAIL_WRAPPING.sub("", raw))
        except EmailNotValidError:
            raise BadContactPoint(
                "email", "invalid", f"{_shown(raw)} is no e-mail address: {error} Correct it or leave it empty."
            ) from error


def _library_email(text: str) -> str:
    return validate_email(text, check_deliverability=False, test_environment=True, allow_display_name=True).normalized


# Phone


def _valid_in(region: str) -> re.Pattern[str]:
    """One pattern for every kind of number valid in a region, as `phonenumbers.is_valid_number` has it."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    kinds = (
        metadata.fixed_line, metadata.mobile, metadata.toll_free, metadata.premium_rate, metadata.shared_cost,
        metadata.personal_number, metadata.voip, metadata.pager, metadata.uan, metadata.voicemail,
    ) if metadata else ()  # fmt: skip
    patterns = [kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or r"(?!)")


_DIALLED_ALIKE = {region: _valid_in(region) for region in ("US", "CA")}
"""The countries where ten digits and a leading 1 mean the same, in the order in which the library tries them."""
_USUAL_PHONE = re.compile(r"(?:(\+)?1[ .-]?)?\(?([2-9][0-9]{2})\)?[ .-]{0,2}([2-9][0-9]{2})[ .-]?([0-9]{4})")

_FICTIONAL = re.compile(r"\+1555555?01[0-9]{2}")
"""Area code 555 does not exist; vendors' test leads carry +1 555 555 01xx, and such a lead must be seen to arrive."""

_COUNTING = frozenset({"1234567890", "0123456789", "9876543210", "1231231234", "1234567", "12345678", "123456789"})
_KIND_NOTE = re.compile(r"\s*[(\[]?\b(?:cell|mobile|home|work|office|fax|main|direct|text|day|evening)\b[)\].:]*", re.I)
_LONGEST_PHONE = 100
_SPREADSHEET_DECIMAL = re.compile(r"\+?[0-9]{7,15}\.0+")
_SPREADSHEET_ROUNDED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]{1,2}")


def normalise_phone(raw: str, region: str = "US") -> str:
    """The E.164 number in `raw`, read as people in `region` (ISO 3166) write it; raises `BadContactPoint`.

    An extension is not part of the number: it stays in `ContactPoint.raw`. Numbers that no numbering plan has are
    refused, but for the +1 555 555 01xx of vendors' test leads.
    """
    return _read_phone(raw, region)[0]


def _read_phone(raw: str, region: str) -> tuple[str, str | None]:
    text = raw.strip()
    usual = _USUAL_PHONE.fullmatch(text)
    if usual is not None and (region in _DIALLED_ALIKE or usual[1]):
        number = usual[2] + usual[3] + usual[4]
        for country, valid in _DIALLED_ALIKE.items():
            if valid.fullmatch(number) and number.count(number[0]) != len(number):
                return "+1" + number, country
    return _read_unusual_phone(text, region)


def _read_unusual_phone(text: str, region: str) -> tuple[str, str | None]:
    if text.lower() in MISSING:
        raise BadContactPoint("phone", "missing", "There is no phone number here: leave the field empty instead")
    if len(text) > _LONGEST_PHONE:
        raise BadContactPoint("phone", "invalid", f"{_shown(text)} is too long for a phone number")
    if _SPREADSHEET_ROUNDED.fullmatch(text):
        raise BadContactPoint(
            "phone", "rounded", f"{_shown(text)} was rounded by a spreadsheet: export the column as text instead"
        )
    if _SPREADSHEET_DECIMAL.fullmatch(text):
        text = text.partition(".")[0]
    _refuse_placeholder(text)
    try:
        number = phonenumbers.parse(_KIND_NOTE.sub("", text), region)
    except NumberParseException as error:
        raise BadContactPoint("phone", "invalid", _no_phone(text, region)) from error
    value = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if _FICTIONAL.fullmatch(value):
        return value, "US"
    if not phonenumbers.is_valid_number(number):
        raise BadContactPoint("phone", "invalid", _no_phone(text, region))
    return value, phonenumbers.region_code_for_number(number)


def _refuse_placeholder(text: str) -> None:
    digits = "".join(character for character in text if character in "0123456789")
    national = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    if len(national) >= 5 and (len(set(national)) == 1 or national in _COUNTING):
        raise BadContactPoint(
            "phone", "placeholder", f"{_shown(text)} stands in for a number nobody gave: leave the field empty instead"
        )


def _no_phone(text: str, region: str) -> str:
    return (
        f"{_shown(text)} is no phone number in {region}: correct it, leave it empty, or write it with + and the country"
        " code"
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
