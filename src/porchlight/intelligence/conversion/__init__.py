"""Conversion: from a lead's facts to a forecast of whether they will transact, with its reasons.

```python
state = fold(EMPTY, Fact("lead.captured", occurred_at, {}, source="website"))
prediction = forecast(state, at)
explain(state, prediction, at), next_best_action(state, prediction, at)
```
"""

from __future__ import annotations

from porchlight.intelligence.conversion.explain import Reason, explain
from porchlight.intelligence.conversion.features import (
    BASE_PROBABILITY,
    FACTORS,
    FEATURES,
    NEUTRAL,
    Context,
    Factor,
    Feature,
    feature_values,
    season_of,
)
from porchlight.intelligence.conversion.fold import Fact, fold
from porchlight.intelligence.conversion.forecast import (
    MODEL_VERSION,
    Contribution,
    Factors,
    Forecast,
    Grade,
    forecast,
    forecast_from,
    grade_of,
    score_from,
)
from porchlight.intelligence.conversion.kinds import (
    KINDS,
    OPEN_STAGES,
    STAGE_SETTING_KINDS,
    STAGES,
    TERMINAL_STAGES,
    BadPayload,
    Direction,
    Kind,
    Stage,
    UnknownKind,
    implied_stage,
    validate_payload,
)
from porchlight.intelligence.conversion.next_action import ActionKind, NextAction, next_best_action
from porchlight.intelligence.conversion.scorecard import WEIGHTS, Weight
from porchlight.intelligence.conversion.state import (
    EMPTY,
    STATE_VERSION,
    State,
    StateVersionError,
    decode,
    encode,
)

__all__ = [
    "BASE_PROBABILITY",
    "EMPTY",
    "FACTORS",
    "FEATURES",
    "KINDS",
    "MODEL_VERSION",
    "NEUTRAL",
    "OPEN_STAGES",
    "STAGES",
    "STAGE_SETTING_KINDS",
    "STATE_VERSION",
    "TERMINAL_STAGES",
    "WEIGHTS",
    "ActionKind",
    "BadPayload",
    "Context",
    "Contribution",
    "Direction",
    "Fact",
    "Factor",
    "Factors",
    "Feature",
    "Forecast",
    "Grade",
    "Kind",
    "NextAction",
    "Reason",
    "Stage",
    "State",
    "StateVersionError",
    "UnknownKind",
    "Weight",
    "decode",
    "encode",
    "explain",
    "feature_values",
    "fold",
    "forecast",
    "forecast_from",
    "grade_of",
    "implied_stage",
    "next_best_action",
    "score_from",
    "season_of",
    "validate_payload",
]
