"""The Jinja environment of the pages: the templates, the view helpers by name, and versioned asset addresses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from porchlight import __version__
from porchlight.web import drawing, presentation, trust_pictures, vocabulary

STATIC = Path(__file__).parent / "static"

HELPERS: Mapping[str, Callable[..., Any]] = {
    helper.__name__: helper
    for helper in (
        presentation.ago,
        presentation.by_day,
        presentation.clock_time,
        presentation.day_name,
        vocabulary.door_options,
        presentation.duration,
        vocabulary.face,
        presentation.file_size,
        presentation.forecast_words,
        presentation.full_time,
        presentation.grade_of,
        vocabulary.humanise,
        presentation.initials,
        presentation.money,
        presentation.number,
        presentation.odds_ratio,
        vocabulary.options,
        presentation.payload_words,
        presentation.percent,
        presentation.person,
        presentation.plural,
        presentation.query,
        presentation.recorded_late,
        vocabulary.role_options,
        presentation.signed,
        presentation.until,
        presentation.waiting_words,
        presentation.way_to,
        vocabulary.zone_options,
        drawing.diverging,
        drawing.score_line,
        drawing.waterfall,
        trust_pictures.month_words,
        trust_pictures.ratio_place,
    )
}

VOCABULARIES: Mapping[str, Mapping[str, Any]] = {
    "STAGES": vocabulary.STAGES,
    "GRADES": vocabulary.GRADES,
    "FACTORS": vocabulary.FACTORS,
    "ACTIVITIES": vocabulary.ACTIVITIES,
    "MESSAGE_STATES": vocabulary.MESSAGE_STATES,
    "ACTIONS": vocabulary.ACTIONS,
    "ASSIGNMENT_RULES": vocabulary.ASSIGNMENT_RULES,
    "CONSENTS": vocabulary.CONSENTS,
    "IMPORT_STATES": vocabulary.IMPORT_STATES,
    "MODEL_STATES": vocabulary.MODEL_STATES,
    "ROLES": vocabulary.ROLES,
    "PERMISSIONS": vocabulary.PERMISSIONS,
    "DOORS": vocabulary.DOORS,
}


def environment() -> Environment:
    """The environment that renders every page. A name that a route forgot to pass is an error, never a blank."""
    env = Environment(
        loader=PackageLoader("porchlight.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(HELPERS)
    env.globals.update(VOCABULARIES)
    env.globals["asset"] = asset_addresses()
    return env


def asset_addresses() -> Callable[[str], str]:
    """Addresses under /static with a version, so that browsers may keep each file for ever.

    Built files have their own versions in `dist/manifest.json`; the few hand-made ones change with a release.
    """
    manifest = STATIC / "dist" / "manifest.json"
    built: dict[str, str] = json.loads(manifest.read_text())["files"] if manifest.is_file() else {}
    versions = {f"dist/{name}": version for name, version in built.items()}

    def address(path: str) -> str:
        return f"/static/{path}?v={versions.get(path, __version__)}"

    return address
