from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.delivery.templates import FirstResponse, first_response, one_line, safe_phrase

BARE = FirstResponse("Harbor & Pine Realty", "https://porchlight.example/u/token")
FULL = replace(
    BARE,
    postal_address="1 Main Street, Albany, NY 12207",
    lead_name="dana o'neil",
    agent_name="Riley Chen",
    listing="412 Oak Lane #4B, Austin, TX 78701",
    wrote_message=True,
)
anything = st.text(st.characters(codec="utf-8"), max_size=80)


def test_the_agent_writes_about_the_listing_that_was_asked_for() -> None:
    words = first_response(FULL)
    assert words.subject == "Your message about 412 Oak Lane #4B, Austin, TX 78701"
    for body in (words.text, words.html):
        assert "Hi Dana," in body
        assert "412 Oak Lane #4B" in body
        assert "Riley Chen" in body
        assert "1 Main Street, Albany, NY 12207" in body
        assert "https://porchlight.example/u/token" in body


def test_the_team_writes_while_there_is_no_agent() -> None:
    words = first_response(BARE)
    assert words.subject == "Your request to Harbor & Pine Realty"
    assert "Hi there," in words.text
    assert "The team at Harbor & Pine Realty" in words.text
    assert "None" not in words.text + words.html


@pytest.mark.parametrize("facts", [BARE, FULL])
def test_the_reply_says_that_it_is_automatic(facts: FirstResponse) -> None:
    words = first_response(facts)
    assert words.discloses_automation
    assert "sent automatically" in words.text
    assert "sent automatically" in words.html


@given(anything, anything, anything, anything)
def test_no_field_can_add_a_header(brokerage: str, lead: str, agent: str, listing: str) -> None:
    words = first_response(FirstResponse(brokerage, "https://x.example/u/t", "", lead, agent, listing))
    message = EmailMessage(policy=SMTP)
    message["Subject"] = words.subject
    message.set_content("body")
    head = message.as_bytes().split(b"\r\n\r\n")[0]
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert sorted(set(names)) == sorted(names)
    assert b"Subject" in names
    assert len(words.subject) <= 200


def test_markup_in_a_name_is_shown_and_not_run() -> None:
    words = first_response(replace(FULL, agent_name="<script>alert(1)</script>", brokerage="A & B <i>"))
    assert "<script>" not in words.html
    assert "&lt;script&gt;" in words.html
    assert "A &amp; B &lt;i&gt;" in words.html
    assert "A & B <i>" in words.text


def test_a_field_is_never_run_as_a_template() -> None:
    words = first_response(replace(FULL, agent_name="{{ 7 * 7 }}", brokerage="{% raise %}"))
    assert "{{ 7 * 7 }}" in words.text
    assert "49" not in words.text


@pytest.mark.parametrize(
    "typed",
    [
        "Win at http://evil.example", "evil.com prizes", "WWW.EVIL.EXAMPLE", "mail me@evil.example", "<b>free</b>",
        "call 212-555-0199", "call (212) 555 0199 now", "code 123456", "x" * 200, "100% free", "\x00\r\n",
    ],
)  # fmt: skip
def test_a_stranger_cannot_advertise_through_the_reply(typed: str) -> None:
    words = first_response(replace(FULL, lead_name=typed, listing=typed))
    plain = first_response(replace(FULL, lead_name=None, listing=None))
    assert words.text == plain.text
    assert words.html == plain.html
    assert words.subject == plain.subject


@pytest.mark.parametrize(
    ("name", "greeting"),
    [("DANA SMITH", "Dana"), ("Anne-Marie Roy", "Anne-Marie"), ("Zoë", "Zoë"), ("R2D2", "there"), ("", "there")],
)
def test_people_are_greeted_by_first_name_where_it_is_one(name: str, greeting: str) -> None:
    assert f"Hi {greeting}," in first_response(replace(BARE, lead_name=name)).text


@given(anything)
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert line == one_line(line)


def test_an_ordinary_listing_title_is_safe() -> None:
    assert safe_phrase("  3BR Victorian,\n St. Paul ", 120) == "3BR Victorian, St. Paul"
