"""The folder a learned model lives in: the model, its card as data, and the card as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import orjson

from porchlight import __version__
from porchlight.intelligence.conversion.tables.card import Card
from porchlight.intelligence.conversion.tables.outcome_model import OutcomeModel, from_json, to_json
from porchlight.intelligence.conversion.tables.timeline_model import TimelineModel
from porchlight.intelligence.tables.errors import TableUnfitError
from porchlight.web.cards import render_card

FORMAT: Final = 1
_LARGEST: Final = 512 * 1024 * 1024


def write_model(folder: Path, model: OutcomeModel | TimelineModel, card: Card) -> None:
    """Write `model.json`, `card.json` and `card.html`; an older model in the folder is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    outcome = isinstance(model, OutcomeModel)
    held = {
        "format": FORMAT,
        "porchlight": __version__,
        "kind": "outcome" if outcome else "timeline",
        "model": orjson.loads(to_json(model) if isinstance(model, OutcomeModel) else model.to_json()),
    }
    (folder / "card.json").write_bytes(orjson.dumps(card, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
    (folder / "card.html").write_text(render_card(card), encoding="utf-8")
    part = folder / "model.json.part"
    part.write_bytes(orjson.dumps(held))
    part.replace(folder / "model.json")  # last, and at once: a folder with a model is whole


def read_model(folder: Path) -> OutcomeModel | TimelineModel:
    """The model of a folder; raises `TableUnfitError` where it holds none, or one this version cannot read."""
    path = folder / "model.json"
    if not path.is_file():
        raise TableUnfitError(
            f"There is no model in {folder}: learn one with `porchlight learn TABLE --outcome COLUMN --model {folder}`"
        )
    if path.stat().st_size > _LARGEST:
        raise TableUnfitError(f"{path} is larger than any model: learn it again")
    try:
        held = orjson.loads(path.read_bytes())
        if not isinstance(held, dict) or held.get("format") != FORMAT:
            found = held.get("format") if isinstance(held, dict) else None
            raise ValueError(f"its format is {found}, made by another version; Porchlight {__version__} reads {FORMAT}")
        text = orjson.dumps(held["model"]).decode()
        return from_json(text) if held["kind"] == "outcome" else TimelineModel.from_json(text)
    except (ValueError, KeyError, TypeError) as error:
        raise TableUnfitError(
            f"The model in {folder} cannot be used ({error}): learn it again with this version"
        ) from error
