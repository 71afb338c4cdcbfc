"""Conversion: from a lead's facts to a forecast of whether they will transact, with its reasons."""

from __future__ import annotations

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

__all__ = [
    "KINDS",
    "OPEN_STAGES",
    "STAGES",
    "STAGE_SETTING_KINDS",
    "TERMINAL_STAGES",
    "BadPayload",
    "Direction",
    "Kind",
    "Stage",
    "UnknownKind",
    "implied_stage",
    "validate_payload",
]
