"""The verdict on the score in plain words, from the track record. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from porchlight.leads.learning.tables import FEWEST_CLOSINGS
from porchlight.web.presentation import number, percent, plural
from porchlight.web.trust_pictures import month_words
from porchlight.web.vocabulary import Tone


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer in a few words, and what it rests on."""

    tone: Tone
    answer: str
    because: tuple[str, ...]


def verdict(record: Mapping[str, Any], serving: str) -> Verdict:
    """The verdict on a track record (`leads.learning.track_record.review`); `serving` names the model in service."""
    return _VERDICTS[record["state"]](record, serving)


def basis(record: Mapping[str, Any]) -> str:
    """What the verdict rests on."""
    words = (
        f"From {plural(record['rows'], 'forecast')} of {plural(record['leads'], 'lead')} made from "
        f"{month_words(record['first'])} to {month_words(record['last'])}; {number(record['closings'])} closed. "
        f"Each lead counts once a month, with its first forecast, and is held against the {record['horizon_days']} "
        "days that followed."
    )
    live = record["live"]
    if live < 0.005:
        return words + " None of it was forecast live: it is imported history, forecast as of its day."
    if live < 0.995:
        return words + f" {percent(live)} was forecast live; the rest is imported history, forecast as of its day."
    return words


def _too_early(record: Mapping[str, Any], serving: str) -> Verdict:
    closings = record["closings"]
    return Verdict(
        "cool",
        f"Too early to say: {plural(closings, 'outcome')}",
        (
            f"A verdict needs {FEWEST_CLOSINGS} leads that closed after a forecast, and each forecast needs 90 days "
            "to come true.",
            f"{'The documented prior is' if serving.startswith('prior') else serving + ' is'} in service"
            + (": published rates and judgement, the same for every team." if serving.startswith("prior") else "."),
        ),
    )


def _tells_nothing(record: Mapping[str, Any], serving: str) -> Verdict:
    return Verdict("bad", "No: it does not tell who will close", (_ranking(record), _level(record)))


def _order_only(record: Mapping[str, Any], serving: str) -> Verdict:
    low = record["measures"]["ratio"]["value"] > 1
    return Verdict(
        "warm",
        f"Trust the order; the chances are too {'low' if low else 'high'}",
        (_ranking(record), _top(record), _level(record)),
    )


def _trustworthy(record: Mapping[str, Any], serving: str) -> Verdict:
    return Verdict("good", "Yes: its order and its chances hold", (_ranking(record), _top(record), _level(record)))


def _ranking(record: Mapping[str, Any]) -> str:
    auc = record["measures"]["auc"]
    words = f"{100 * auc['value']:.0f} times in 100 (between {100 * auc['low']:.0f} and {100 * auc['high']:.0f})"
    return (
        f"Of a lead that closed and one that did not, the one that closed had the higher score {words}; chance is 50."
    )


def _top(record: Mapping[str, Any]) -> str:
    top = record["measures"]["top"]
    share = f"{percent(top['value'])} (between {percent(top['low'])} and {percent(top['high'])})"
    return f"The tenth with the highest scores held {share} of all that closed."


def _level(record: Mapping[str, Any]) -> str:
    found = record["measures"]
    ratio, said, happened = found["ratio"], found["said"]["value"], found["happened"]["value"]
    words = f"It said {percent(said)} on average, and {percent(happened)} closed within 90 days"
    if ratio["low"] <= 1 <= ratio["high"]:
        return words + ": no difference beyond chance."
    return words + f": {ratio['value']:.1f} times as many (between {ratio['low']:.1f} and {ratio['high']:.1f})."


_VERDICTS = {
    "too_early": _too_early,
    "tells_nothing": _tells_nothing,
    "order_only": _order_only,
    "trustworthy": _trustworthy,
}
