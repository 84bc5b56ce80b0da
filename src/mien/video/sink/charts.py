"""Plots of a report as inline SVG: shapes only. Letters are HTML around them, and keep their size on a phone."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.video.sink.timeline import Series
from mien.video.sink.words import clock

WIDTH = 1000
HOVERED = 90

COLOURS: Mapping[str, str] = {
    "neutral": "#8b98a8",
    "happiness": "#e9a820",
    "surprise": "#1fa9b4",
    "sadness": "#4577d4",
    "anger": "#d4483f",
    "disgust": "#6f9a35",
    "fear": "#8c5fc7",
    "contempt": "#a5713f",
    "unsure": "#c9ced6",
}
# Classes as FER2013 names them, and those of models that were trained by others.
ALIASES: Mapping[str, str] = {"happy": "happiness", "sad": "sadness", "angry": "anger"}
OTHERS = ("#d76fa5", "#3c9d74", "#b58b00", "#5d6d7e")


@dataclass(frozen=True, slots=True)
class Axis:
    """The stretch of time that a plot shows, in seconds; `start` < `end`."""

    start: float
    end: float

    def x(self, seconds: float) -> float:
        """Of a time, 0..WIDTH; what lies outside is put on the edge."""
        share = (seconds - self.start) / max(self.end - self.start, 1e-6)
        return round(WIDTH * min(1.0, max(0.0, share)), 1)

    def html(self) -> str:
        """Times below a plot."""
        places = (0, 0.25, 0.5, 0.75, 1)
        marks = "".join(
            f'<span style="left:{100 * place:g}%">{clock(self.start + place * (self.end - self.start))}</span>'
            for place in places
        )
        return f'<div class="axis" aria-hidden="true">{marks}</div>'


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that a plot marks: its class in the style sheet, and what is said where a pointer rests."""

    style: str
    start: float
    seconds: float
    title: str


def colour_of(label: str) -> str:
    """Of a class of expressions, the same everywhere."""
    name = ALIASES.get(label, label)
    return COLOURS.get(name) or OTHERS[sum(name.encode()) % len(OTHERS)]


def bands(shares: Mapping[str, Series], axis: Axis, said: str) -> str:
    """Stacked areas: what share each class has at each time, as the model gives its probabilities."""
    if not shares:
        return ""
    stack = np.nan_to_num(np.array([one.means for one in shares.values()]))
    total = stack.sum(axis=0)
    tops = np.cumsum(stack / np.where(total > 0, total, 1), axis=0)
    tops = np.concatenate([np.zeros((1, tops.shape[1])), tops])
    first = next(iter(shares.values()))
    runs = list(first.runs())
    shapes = []
    for row, label in enumerate(shares):
        path = "".join(_area(first, axis, tops[row], tops[row + 1], run, total > 0) for run in runs)
        shapes.append(f'<path d="{path}" fill="{colour_of(label)}"/>')
    return _svg("".join(shapes) + _hover(shares, axis, " %", 100.0), 100, said, "tall")


def strip(labels: Mapping[str, Series], axis: Axis, said: str) -> str:
    """One row in the colour of what is said at each time."""
    if not labels:
        return ""
    names = list(labels)
    sums = np.array([labels[name].sums for name in names])
    first = labels[names[0]]
    likeliest = _filled(np.where(sums.sum(axis=0) > 0, sums.argmax(axis=0), -1), first.bin_seconds)
    shapes, begun = [], 0
    for place in range(1, len(likeliest) + 1):
        if place < len(likeliest) and likeliest[place] == likeliest[begun]:
            continue
        if (which := int(likeliest[begun])) >= 0:
            left, right = (first.start_seconds + at * first.bin_seconds for at in (begun, place))
            title = html.escape(f"{names[which]}, {clock(left)} to {clock(right)}")
            shapes.append(_rect(axis, left, right, f'fill="{colour_of(names[which])}"', title))
        begun = place
    return _svg("".join(shapes), 100, said, "strip")


def line(series: Series, axis: Axis, low: float, high: float, spans: Sequence[Span], said: str) -> str:
    """A line within low..high, with stretches shaded behind it and the value where a pointer rests."""
    shapes = "".join(
        _rect(axis, one.start, one.start + one.seconds, f'class="{one.style}"', html.escape(one.title)) for one in spans
    )
    if low < 0 < high:
        zero = round(100 * high / (high - low), 1)
        shapes += f'<line class="zero" x1="0" x2="{WIDTH}" y1="{zero}" y2="{zero}"/>'
    for first, beyond in series.runs():
        points = []
        for place in range(first, beyond):
            if np.isfinite(value := series.means[place]):
                at = axis.x(series.start_seconds + (place + 0.5) * series.bin_seconds)
                y = 100 * (1 - (min(high, max(low, value)) - low) / (high - low))
                points.append(f"{at:g},{y:.1f}")
        shapes += f'<polyline class="line" points="{" ".join(points)}"/>'
    return _svg(shapes + _hover({"": series}, axis, "", 1.0), 100, said, "low")


def ticks(series: Series, axis: Axis, said: str) -> str:
    """A tick for each bin in which something happened."""
    shapes = []
    for place in np.flatnonzero(series.sums > 0):
        seconds = series.start_seconds + (place + 0.5) * series.bin_seconds
        at, count = axis.x(seconds), int(series.sums[place])
        title = clock(seconds) if count == 1 else f"{count} around {clock(seconds)}"
        shapes.append(f'<line class="tick" x1="{at}" x2="{at}" y1="0" y2="100"><title>{title}</title></line>')
    return _svg("".join(shapes), 100, said, "ticks")


def presence(stretches: Sequence[tuple[float, float]], axis: Axis, colour: str, said: str) -> str:
    """Bars where a track was in view."""
    shapes = (
        _rect(axis, left, right, f'fill="{colour}" rx="3"', f"{clock(left)} to {clock(right)}")
        for left, right in stretches
    )
    return _svg("".join(shapes), 100, said, "strip")


def _filled(which: NDArray[np.int64], bin_seconds: float) -> NDArray[np.int64]:
    """Holes (-1) that are no longer than half a second take what was before them."""
    places = np.where(which >= 0, np.arange(len(which)), -1)
    before = np.maximum.accumulate(places)
    after = np.minimum.accumulate(np.where(which >= 0, np.arange(len(which)), len(which))[::-1])[::-1]
    short = (which < 0) & (before >= 0) & (after < len(which)) & (after - before <= 1 + round(0.5 / bin_seconds))
    return np.where(short, which[before], which)


def _svg(shapes: str, height: int, said: str, style: str) -> str:
    label = html.escape(said)
    box = f'viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none"'
    return f'<svg class="plot {style}" {box} role="img" aria-label="{label}">{shapes}</svg>'


def _rect(axis: Axis, left: float, right: float, look: str, title: str) -> str:
    x = axis.x(left)
    width = max(2.0, axis.x(right) - x)
    return f'<rect x="{x}" y="0" width="{width:g}" height="100" {look}><title>{title}</title></rect>'


def _area(
    series: Series, axis: Axis, low: NDArray[np.float64], high: NDArray[np.float64], run: tuple[int, int],
    seen: NDArray[np.bool_],
) -> str:  # fmt: skip
    places = [place for place in range(*run) if seen[place]]
    if not places or not np.any(high[places] - low[places] > 0.002):
        return ""
    xs = [axis.x(series.start_seconds + (place + 0.5) * series.bin_seconds) for place in places]
    xs[0] = axis.x(series.start_seconds + run[0] * series.bin_seconds)
    xs[-1] = axis.x(series.start_seconds + run[1] * series.bin_seconds)
    up = [f"{x:g},{100 - 100 * high[place]:.1f}" for x, place in zip(xs, places, strict=True)]
    down = [f"{x:g},{100 - 100 * low[place]:.1f}" for x, place in zip(xs, places, strict=True)]
    return f"M{' '.join(up)} {' '.join(reversed(down))}Z"


def _hover(values: Mapping[str, Series], axis: Axis, unit: str, scale: float) -> str:
    """Invisible columns that say the values where a pointer rests."""
    first = next(iter(values.values()))
    step = max(1, -(-len(first.means) // HOVERED))
    shapes = []
    for begin in range(0, len(first.means), step):
        known = {name: one.means[begin : begin + step] for name, one in values.items()}
        means = {name: float(np.nanmean(part)) * scale for name, part in known.items() if np.isfinite(part).any()}
        if not means:
            continue
        left = first.start_seconds + begin * first.bin_seconds
        best = sorted(means.items(), key=lambda one: -one[1])[:3]
        digits = 0 if scale > 1 else 2
        text = ", ".join(f"{name} {value:.{digits}f}{unit}".strip() for name, value in best)
        title = html.escape(f"{clock(left)}: {text}")
        shapes.append(_rect(axis, left, left + step * first.bin_seconds, 'class="hover"', title))
    return "".join(shapes)
