"""Charts as inline SVG that follows the page: its colours are the design system's tokens, so that one picture is right
by day and by night, on screen and on paper.

Altair says what is drawn and vl-convert draws it, in this process and without a network. Each chart has a title and a
description for those who cannot see it, and no identifier that could meet another chart's. Altair takes a third of a
second to import and is imported by the first chart only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import altair as alt

WIDTH: Final = 360
"""Of the drawing in CSS pixels, without the labels of the axis: with them, a phone's width at 11 px text."""
HEIGHT: Final = 220
_ROW: Final = 26

INK: Final = "var(--color-base-content)"
_MUTED: Final = "var(--muted)"
_LINE: Final = "var(--line)"
_WARM: Final = "var(--warm)"
_WARM_INK: Final = "var(--warm-ink)"
_COOL: Final = "var(--cool)"
_FONT: Final = "Inter, ui-sans-serif, system-ui, sans-serif"

_CONFIG: Final[Mapping[str, Any]] = {
    "aria": False,
    "background": None,
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "domainColor": _LINE,
        "gridColor": _LINE,
        "tickColor": _LINE,
        "labelColor": _MUTED,
        "titleColor": _MUTED,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "labelPadding": 6,
        "titlePadding": 8,
        "tickSize": 0,
        "labelFlush": False,
    },
    "text": {"color": INK, "fontSize": 11},
}


class Reliable(NamedTuple):
    """Rows of similar forecasts: mean forecast, share that came true and its interval, all 0 to 1; how many rows."""

    forecast: float
    came_true: float
    low: float
    high: float
    rows: int


class Point(NamedTuple):
    """A place on the x axis with a value and its interval, which is None where there is none."""

    at: float | date
    value: float
    low: float | None = None
    high: float | None = None


class Signed(NamedTuple):
    """A bar from a middle line: what is named, how far it reaches, and what its end says."""

    label: str
    value: float
    said: str


def reliability(bins: Sequence[Reliable], *, name: str, title: str, description: str) -> str:
    """Forecasts against what came true, with the diagonal where both are the same. `name` is unique on its page."""
    import altair as alt

    top = min(1.0, 1.08 * max((max(b.forecast, b.high) for b in bins), default=1.0))
    scale = alt.Scale(domain=[0, top], nice=False, clamp=True)
    rows = _rows(bins)
    x = alt.X("forecast:Q").scale(scale).axis(_percent_axis("forecast"))
    diagonal = (
        alt.Chart(_data([{"a": 0.0, "b": 0.0}, {"a": top, "b": top}]))
        .mark_line(stroke=_MUTED, strokeDash=[3, 4], strokeWidth=1)
        .encode(alt.X("a:Q").scale(scale), alt.Y("b:Q").scale(scale))
    )
    reach = (
        alt.Chart(rows)
        .mark_rule(stroke=_WARM, strokeWidth=2, opacity=0.55)
        .encode(x, alt.Y("low:Q").scale(scale).axis(_percent_axis("came true")), alt.Y2("high:Q"))
    )
    points = (
        alt.Chart(rows)
        .mark_point(filled=True, fill=_WARM, stroke=_WARM_INK, strokeWidth=1, opacity=1)
        .encode(x, alt.Y("came_true:Q").scale(scale), alt.Size("rows:Q").scale(range=[30, 160]).legend(None))
    )
    return _svg(alt.layer(diagonal, reach, points), name, title, description)


def lift(points: Sequence[tuple[float, float]], *, name: str, title: str, description: str) -> str:
    """The share of all wins that the best part of the rows holds, (part, found), beside working them in any order."""
    import altair as alt

    scale = alt.Scale(domain=[0, 1])
    rows = _data([{"part": part, "found": found} for part, found in points])
    x = alt.X("part:Q").scale(scale).axis(_percent_axis("best part of the rows"))
    chance = (
        alt.Chart(_data([{"a": 0, "b": 0}, {"a": 1, "b": 1}]))
        .mark_line(stroke=_MUTED, strokeDash=[3, 4], strokeWidth=1)
        .encode(alt.X("a:Q").scale(scale), alt.Y("b:Q").scale(scale))
    )
    y = alt.Y("found:Q").scale(scale).axis(_percent_axis("of all wins"))
    line = alt.Chart(rows).mark_line(stroke=_WARM, strokeWidth=2.5).encode(x, y)
    return _svg(alt.layer(chance, line), name, title, description)


def conversion_curve(
    forecast: Sequence[Point], observed: Sequence[Point] = (), *, name: str, title: str, description: str
) -> str:
    """The share won by day: what was forecast as a line with its band, what happened as a stepped line with its own."""
    import altair as alt

    layers = [*_band(forecast, _WARM, "day", date_axis=False, percent=True)]
    layers += _band(observed, _COOL, "day", date_axis=False, percent=True, step=True) if observed else []
    return _svg(alt.layer(*layers), name, title, description)


def time_series(
    points: Sequence[Point], *, name: str, title: str, description: str, percent: bool = False, label: str = ""
) -> str:
    """A value over dates, with its band. `percent` writes 0.25 as 25 %; `label` names the value's axis."""
    import altair as alt

    return _svg(alt.layer(*_band(points, _WARM, label, date_axis=True, percent=percent)), name, title, description)


def signed_bars(bars: Sequence[Signed], *, name: str, title: str, description: str) -> str:
    """What moved it: one bar per row, from a line to the right (warm, raises) or to the left (cool, lowers)."""
    import altair as alt

    far = 1.35 * max((abs(bar.value) for bar in bars), default=1.0) or 1.0
    rows = _rows(bars)
    order = [bar.label for bar in bars]
    y = (
        alt.Y("label:N")
        .sort(order)
        .axis(alt.Axis(title=None, domain=False, labelLimit=200, labelColor=INK, labelFontSize=11, labelPadding=8))
    )
    x = alt.X("value:Q").scale(domain=[-far if any(bar.value < 0 for bar in bars) else 0, far], nice=False).axis(None)
    base = alt.Chart(rows).encode(y, x)
    drawn = base.mark_bar(height={"band": 0.55}, cornerRadius=2).encode(
        fill=alt.condition("datum.value < 0", alt.value(_COOL), alt.value(_WARM))
    )
    middle = alt.Chart(_data([{"at": 0}])).mark_rule(stroke=_MUTED, strokeWidth=1).encode(alt.X("at:Q").axis(None))
    said = base.encode(alt.Text("said:N"))
    right = said.transform_filter("datum.value >= 0").mark_text(align="left", dx=5, fill=INK)
    left = said.transform_filter("datum.value < 0").mark_text(align="right", dx=-5, fill=INK)
    height = _ROW * max(1, len(bars))
    return _svg(alt.layer(drawn, middle, right, left), name, title, description, width=WIDTH - 130, height=height)


def _band(
    points: Sequence[Point], color: str, label: str, *, date_axis: bool, percent: bool, step: bool = False
) -> list[alt.Chart]:
    import altair as alt

    rows = [{"at": str(p.at) if date_axis else p.at, "value": p.value, "low": p.low, "high": p.high} for p in points]
    x_axis = alt.Axis(title=None if date_axis else label, grid=False, tickCount=6, labelOverlap=True)
    x = alt.X("at:T" if date_axis else "at:Q").axis(x_axis)
    if not date_axis:
        x = x.scale(domainMin=0, nice=False)
    title = label if date_axis and label else None
    y_axis = alt.Axis(title=title, format="~%", tickCount=5) if percent else alt.Axis(title=title, tickCount=5)
    shape: Any = "step-after" if step else "linear"
    chart = alt.Chart(_data(rows))
    area = (
        chart.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_area(fill=color, opacity=0.2, interpolate=shape)
        .encode(x, alt.Y("low:Q").axis(y_axis), alt.Y2("high:Q"))
    )
    line = chart.mark_line(stroke=color, strokeWidth=2.5, interpolate=shape).encode(x, alt.Y("value:Q").axis(y_axis))
    return [area, line]


def _percent_axis(title: str) -> alt.Axis:
    import altair as alt

    return alt.Axis(format="~%", tickCount=5, title=title)


def _rows(items: Sequence[Any]) -> alt.InlineData:
    return _data([item._asdict() for item in items])


def _data(rows: list[dict[str, Any]]) -> alt.InlineData:
    import altair as alt

    return alt.InlineData(values=rows)


def _svg(
    chart: alt.LayerChart | alt.FacetChart,
    name: str,
    title: str,
    description: str,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> str:
    import vl_convert

    spec = chart.properties(width=width, height=height).to_dict()
    spec.pop("config", None)
    drawn = vl_convert.vegalite_to_svg(spec, config=dict(_CONFIG), allowed_base_urls=[])
    body = drawn[drawn.index(">") + 1 : drawn.rindex("</svg>")]
    body = re.sub(r'\b(id="|url\(#)', rf"\1{name}-", body)
    box = re.search(r'viewBox="([^"]+)"', drawn)
    assert box is not None  # vl-convert always writes one
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="{box[1]}" overflow="visible" role="img" '
        f'aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc><g aria-hidden="true">{body}</g></svg>'
    )
