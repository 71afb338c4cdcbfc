"""The reference page, written from the rules; run this module to print it."""

from __future__ import annotations

import sys

from porchlight.delivery.evidence import TOUCHING
from porchlight.delivery.permit import CHECKS, INQUIRY_LASTS, REQUIRED_BASIS
from porchlight.delivery.places import us_places
from porchlight.delivery.quiet_hours import Hours, Rule, rule_book


def quiet_hours_page() -> str:
    """`docs/reference/quiet-hours.md`."""
    book = rule_book()
    rows = [_row(code, us_places().by_name[code.lower()].name, rule) for code, rule in sorted(book.states.items())]
    rows.append(_row("", "every other place", book.default))
    rows.append(_row("", "(for comparison: federal)", book.federal))
    caps = [
        f"- at most {cap.messages} in any {int(cap.within.total_seconds() // 3600)} hours ({cap.source})"
        for cap in book.caps
    ]
    bases = [
        f"| {kind} | {purpose.replace('_', ' ')} | {basis.name.lower()} |"
        for (kind, purpose), basis in REQUIRED_BASIS.items()
    ]
    return "\n".join(
        [
            "# Quiet hours, consent and caps",
            "",
            "Written from `porchlight.delivery` and its `data/quiet_hours.toml`; change it there. The rules were "
            f"checked on {book.checked}. This is not legal advice: rules change, and each row names its source.",
            "",
            f"Every message passes {len(CHECKS)} checks, and each one's outcome is kept with the message. A refusal is "
            "final. Only two answers put a message off: that the hour is wrong, and that the person has had enough for "
            "now. Such a message is decided anew when its time has come.",
            "",
            "## Where the person is",
            "",
            "The hours are those of the place the person is in. The state of their address and its ZIP code name the "
            "zones of that state; every telephone number names the zones of its area code's state and those that the "
            "numbering plan gives it. All of them count, also when they disagree: a message must be in hours in every "
            "place found. Toll-free and other placeless numbers say nothing. Where nothing is known, the brokerage's "
            "own zone holds. The evidence that was used is kept in the trace, without the number.",
            "",
            "Known limits: an address abroad tells no zone, only a telephone number there does; and a state that keeps "
            "two zones narrows the hours to what both allow, also for people whose ZIP code would tell them apart.",
            "",
            "## Calls and texts",
            "",
            "Law, by state; consent never widens it. Times are the person's own, the second one excluded.",
            "",
            "| | place | Mon–Fri | Sat | Sun | holidays | source | note |",
            "|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            "The letters are second-hand tables: "
            + "; ".join(f"{letter} is {name}" for letter, name in book.sources.items())
            + ". Where they differ, the stricter one stands.",
            "",
            "## E-mail",
            "",
            "No law sets hours for e-mail. The person's own time is found in the same way and used with a row of our "
            f"own, as house policy: Mon–Fri {_hours(book.house.week[0])}, Sat {_hours(book.house.week[5])}, Sun "
            f"{_hours(book.house.week[6])}. A brokerage may replace it with its own row, `email_hours` in the tenant's "
            "settings, for example:",
            "",
            "```json",
            '{"email_hours": {"weekdays": ["07:00", "22:00"], "saturday": ["08:00", "20:00"], "sunday": []}}',
            "```",
            "",
            "An empty list closes the day; `00:00` to `24:00` never closes. Calls and texts are not touched by it.",
            "",
            "## Caps",
            "",
            "Automatic messages to one person, over all channels together. A message counts from the moment it is "
            f"being sent ({', '.join(TOUCHING)}); the first answer to an inquiry counts and is capped like every "
            "other. What a person writes by hand is not capped.",
            "",
            *caps,
            "",
            "## Consent",
            "",
            "The least that a message needs. An inquiry is the person's own, and justifies an answer for "
            f"{INQUIRY_LASTS.days} days. Whoever opted out gets nothing, whatever else they agreed to before.",
            "",
            "| contact point | purpose | needs |",
            "|---|---|---|",
            *bases,
            "",
        ]
    )


def _row(code: str, name: str, rule: Rule) -> str:
    weekday, saturday, sunday = (_hours(rule.week[day]) for day in (0, 5, 6))
    closed = "closed" if rule.close_holidays else ""
    return f"| {code} | {name} | {weekday} | {saturday} | {sunday} | {closed} | {rule.source} | {rule.note} |"


def _hours(hours: Hours | None) -> str:
    if hours is None:
        return "closed"
    return "–".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (hours.opens, hours.closes))


if __name__ == "__main__":
    sys.stdout.write(quiet_hours_page())
