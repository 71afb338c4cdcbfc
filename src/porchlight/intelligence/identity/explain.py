"""Why two records are, or are not, one person's: a waterfall of bits from the odds of any pair to those of this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from porchlight.intelligence.identity.levels import LEVELS, MISSING
from porchlight.intelligence.identity.model import Model
from porchlight.intelligence.identity.score import Evidence, Scorer


@dataclass(frozen=True, slots=True)
class Step:
    """One bar: what is looked at, what stands in both records, how they agree, and how many bits that brings."""

    name: str
    left: str | None
    right: str | None
    agreement: str
    bits: float


def waterfall(of: Scorer, left: int, right: int, found: Evidence, log_odds: float | None = None) -> list[Step]:
    """The steps of one pair, whose `found` is the evidence. They add up to its log2 odds.

    `log_odds` is what the pair has in the end, where records beside the two have been weighed as well.
    """
    steps = [Step("any two records", None, None, "before looking", of.model.prior)]
    for number, field in enumerate(of.model.fields):
        words, codes = of.records.words[field.vocabulary], of.records.codes[field.name]
        level = int(found.agreements[number].level[0])
        steps.append(
            Step(
                field.name,
                _word(words, int(codes[left])),
                _word(words, int(codes[right])),
                "missing" if level == MISSING else LEVELS[field.aspect][level].name,
                float(found.weights[number][0]),
            )
        )
    steps.append(Step("shared with others", None, None, others(of.model), float(found.shared[0])))
    if log_odds is not None:
        steps.append(Step("records beside", None, None, "one-to-one, or groups", log_odds - float(found.log_odds[0])))
    return steps


def others(model: Model) -> str:
    """The kinds of pairs that share things and are no matches, in words."""
    return ", ".join(kind.name for kind in model.kinds[1:-1]) or "nothing learned"


def _word(words: Sequence[str] | np.ndarray, code: int) -> str | None:
    return None if code < 0 else str(words[code])
