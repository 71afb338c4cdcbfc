"""Every value in the form in which it is compared. Each normaliser is idempotent; None means that nothing is said."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from porchlight.intelligence.identity.fields import Kind

Normaliser = Callable[[str], str | None]

NOTHING: Final = frozenset(
    {"", "null", "none", "nan", "n a", "na na", "nil", "unknown", "not known", "not provided", "not available", "tbd"}
)
_APOSTROPHES: Final = re.compile(r"['’`]")
_NOT_WORD: Final = re.compile(r"[^\w]+|_+")
TITLES: Final = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "mx"})
STREET_WORDS: Final = {
    "st": "street", "str": "street", "rd": "road", "ave": "avenue", "av": "avenue", "blvd": "boulevard", "dr": "drive",
    "ln": "lane", "ct": "court", "pl": "place", "cres": "crescent", "cct": "circuit", "cir": "circle", "hwy": "highway",
    "pkwy": "parkway", "sq": "square", "ter": "terrace", "tce": "terrace", "apt": "apartment", "ste": "suite",
    "n": "north", "s": "south", "e": "east", "w": "west",
}  # fmt: skip
_STATES: Final = {
    "alabama": "al", "alaska": "ak", "arizona": "az", "arkansas": "ar", "california": "ca", "colorado": "co",
    "connecticut": "ct", "delaware": "de", "florida": "fl", "georgia": "ga", "hawaii": "hi", "idaho": "id",
    "illinois": "il", "indiana": "in", "iowa": "ia", "kansas": "ks", "kentucky": "ky", "louisiana": "la",
    "maine": "me", "maryland": "md", "massachusetts": "ma", "michigan": "mi", "minnesota": "mn", "mississippi": "ms",
    "missouri": "mo", "montana": "mt", "nebraska": "ne", "nevada": "nv", "new hampshire": "nh", "new jersey": "nj",
    "new mexico": "nm", "new york": "ny", "north carolina": "nc", "north dakota": "nd", "ohio": "oh", "oklahoma": "ok",
    "oregon": "or", "pennsylvania": "pa", "rhode island": "ri", "south carolina": "sc", "south dakota": "sd",
    "tennessee": "tn", "texas": "tx", "utah": "ut", "vermont": "vt", "virginia": "va", "washington": "wa",
    "west virginia": "wv", "wisconsin": "wi", "wyoming": "wy", "district of columbia": "dc",
}  # fmt: skip
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIMESTAMP: Final = re.compile(r"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})[t ]")
_PLAIN_EMAIL: Final = re.compile(r"[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}")
_PUNCTUATION: Final = str.maketrans("", "", " ().-/")
_PLAIN_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLAIN_PHONE: Final = re.compile(r"(?:\+?1)?([2-9][0-9]{2}[2-9][0-9]{6})")


def text(value: str) -> str | None:
    """Words without case, accents and punctuation."""
    if value.isascii() and (value.isalnum() or value.replace(" ", "").isalnum()):
        plain = " ".join(value.lower().split())
        return None if plain in NOTHING else plain
    if not value.isascii():
        value = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", value).casefold())
        value = unicodedata.normalize("NFC", "".join(c for c in value if not unicodedata.combining(c)))
    plain = " ".join(_NOT_WORD.sub(" ", _APOSTROPHES.sub("", value.lower())).split())
    return None if plain in NOTHING else plain


def name(value: str) -> str | None:
    """A name without forms of address."""
    plain = text(value)
    if plain is None:
        return None
    words = plain.split()
    while len(words) > 1 and words[0] in TITLES:
        words = words[1:]
    return text(" ".join(words))


def email(value: str) -> str | None:
    """An address as its mailbox reads it; one that is none stays as text, because a slip of the pen still tells."""
    plain = "".join(value.split()).lower()
    if _PLAIN_EMAIL.fullmatch(plain):
        return plain
    if "@" in plain:
        try:
            plain = str(validate_email(plain, check_deliverability=False).normalized).lower()
        except (EmailNotValidError, UnicodeError):
            plain = unicodedata.normalize("NFKC", plain).lower()
            plain = "".join(plain.split())
    return None if (text(plain) is None or plain.count("@") > 1) else plain


def phone(value: str, region: str = "US") -> str | None:
    """E.164 where it can be read as a number of the world or of `region`; otherwise its digits."""
    if region == "US" and (plain := _PLAIN_PHONE.fullmatch(value.translate(_PUNCTUATION))):
        return "+1" + plain[1]
    bare = "".join(c for c in value if c in "0123456789")
    if region == "US" and (plain := _PLAIN_PHONE.fullmatch(bare)):
        return "+1" + plain[1]
    return _international(value, region) or _international(bare, region) or (bare if len(bare) >= 5 else None)


def _international(value: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def birth_date(value: str, *, day_first: bool = False) -> str | None:
    """`yyyymmdd`, with zeros for what is not given. An impossible day is kept: it is most of the true one."""
    if _PLAIN_DATE.fullmatch(value):
        return value.replace("-", "")
    plain = value.strip().lower()
    if re.fullmatch(r"[0-9]{8}", plain):
        return plain
    day_only = _TIMESTAMP.match(plain)
    parts: list[str] = re.findall(r"[0-9]+|[^\W\d_]+", day_only[1] if day_only else plain)
    months = [part for part in parts if part[:3] in _MONTHS]
    numbers = [part for part in parts if part[0] in "0123456789"][:3]
    if months and numbers:
        month = f"{_MONTHS.index(months[0][:3]) + 1:02}"
        year = next((part for part in numbers if len(part) == 4), None)
        day = next((part for part in numbers if len(part) <= 2), "00")
        return f"{year}{month}{int(day):02}" if year else None
    if len(numbers) == 3 and len(numbers[0]) == 4 and max(map(len, numbers[1:])) <= 2:
        return f"{numbers[0]}{int(numbers[1]):02}{int(numbers[2]):02}"
    if len(numbers) == 3 and len(numbers[2]) == 4 and max(map(len, numbers[:2])) <= 2:
        day, month = (numbers[0], numbers[1]) if day_first else (numbers[1], numbers[0])
        return f"{numbers[2]}{int(month):02}{int(day):02}"
    if len(numbers) == 1 and len(numbers[0]) == 4:
        return numbers[0] + "0000"
    return None


def is_day_first(values: list[str]) -> bool:
    """Whether dates written `a/b/yyyy` give the day first: more of them can only be read so than the other way."""
    seen = [match for value in values if (match := re.match(r"\s*(\d{1,2})\D(\d{1,2})\D\d{4}", value))]
    return sum(int(match[1]) > 12 for match in seen) > sum(int(match[2]) > 12 for match in seen)


def street(value: str) -> str | None:
    plain = text(value)
    return None if plain is None else " ".join(STREET_WORDS.get(word, word) for word in plain.split())


def state(value: str) -> str | None:
    plain = text(value)
    return None if plain is None else _STATES.get(plain, plain)


def postcode(value: str) -> str | None:
    """Letters and digits together; of a ZIP+4 the first five."""
    plain = text(value)
    if plain is None:
        return None
    together = plain.replace(" ", "")
    return together[:5] if len(together) == 9 and together.isdecimal() else together


def normaliser(kind: Kind, *, day_first: bool = False, region: str = "US") -> Normaliser:
    """What a column of `kind` is normalised with."""
    if kind == "birth_date":
        return partial(birth_date, day_first=day_first)
    if kind == "phone":
        return partial(phone, region=region)
    return _NORMALISERS.get(kind, text)


_NORMALISERS: Final[dict[Kind, Normaliser]] = {
    "given": name,
    "surname": name,
    "email": email,
    "street": street,
    "state": state,
    "postcode": postcode,
}


def split_full_name(value: str) -> tuple[str | None, str | None]:
    """The given name and the surname in a full one: `Ann Lee`, `Lee, Ann`, `Dr. Ann van Lee`."""
    before, comma, after = value.partition(",")
    if comma and len(before.split()) == 1 and (first := name(after)):
        return first.split()[0], name(before)
    words = (name(value) or "").split()
    if not words:
        return None, None
    return words[0], (words[-1] if len(words) > 1 else None)
