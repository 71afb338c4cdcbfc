"""The words of automatic messages, from the files in `templates/`.

A stranger fills in the form that an automatic reply answers, and may name somebody else's address. So nothing a person
typed is repeated in the reply, except a name or the title of a listing that passes `safe_phrase`: otherwise the reply
would carry a stranger's advertisement or link to a third person, under the brokerage's name.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass
from functools import cache

from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

_ADVERTISING = re.compile(r"://|www\.|@|\w\.\w{2,}|[<>{}\[\]|\\$%=]|\d{6,}|\d{3}[-. )]+\d{4}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FirstResponse:
    """What the first answer to an inquiry speaks of. Only `brokerage` and `unsubscribe_url` are needed."""

    brokerage: str
    unsubscribe_url: str
    postal_address: str = ""
    lead_name: str | None = None
    agent_name: str | None = None
    listing: str | None = None
    wrote_message: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str
    discloses_automation: bool


def first_response(facts: FirstResponse) -> Rendered:
    """The first answer to an inquiry: from the agent, or from the team while there is none, and open about being
    automatic (California BPC 17941, Utah SB 226 and Maine ask for it at the first turn)."""
    listing = safe_phrase(facts.listing, 120)
    noun = "message" if facts.wrote_message else "request"
    words = asdict(facts) | {
        "brokerage": one_line(facts.brokerage),
        "first_name": _first_name(facts.lead_name),
        "agent_name": one_line(facts.agent_name or "") or None,
        "listing": listing,
        "noun": noun,
    }
    about = f"about {listing}" if listing else f"to {one_line(facts.brokerage)}"
    return Rendered(
        subject=one_line(f"Your {noun} {about}")[:200],
        text=_environment().get_template("first_response.txt").render(words),
        html=_environment().get_template("first_response.html").render(words),
        discloses_automation=True,
    )


def one_line(text: str) -> str:
    """`text` without control, format and line-breaking characters, so that it cannot start another header."""
    kept = (" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return " ".join("".join(kept).split())


def safe_phrase(text: str | None, longest: int) -> str | None:
    """`text` on one line if it is short and nothing in it looks like a link, an address, markup or a number to call;
    otherwise None."""
    phrase = one_line(text or "")
    if not phrase or len(phrase) > longest or _ADVERTISING.search(phrase):
        return None
    return phrase


def _first_name(name: str | None) -> str | None:
    phrase = safe_phrase(name, 60)
    first = phrase.split()[0] if phrase else ""
    letters = first.replace("-", "").replace("'", "").replace("’", "")
    if not letters.isalpha() or len(first) > 20:
        return None
    return first.capitalize() if first.islower() or first.isupper() else first


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=PackageLoader("porchlight.delivery", "templates"),
        autoescape=lambda name: bool(name and name.endswith(".html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
