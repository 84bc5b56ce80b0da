"""One track's part of a report: face, name, words, and what was measured over time."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from math import isfinite

import numpy as np

from mien.attention.window import AttentionWindow
from mien.image import encode_image
from mien.video.moment import Shot, TrackIdentity, TrackSummary
from mien.video.sink.charts import Axis, Span, bands, line, strip, ticks
from mien.video.sink.charts import colour_of as colour_of_label
from mien.video.sink.stories import LABEL, SHARE, Story, shrunk
from mien.video.sink.timeline import Series
from mien.video.sink.words import SIGNS, clock, colour_of, counted, duration, one_line, title_of

SHOTS = 4
JPEG_QUALITY = 82
# Below, the share of a class says nothing to a reader.
SMALLEST_SHARE = 0.005


def section(story: Story, track: TrackSummary) -> str:
    """The card of a track. story: its timelines; track: what the run came to."""
    axis = Axis(story.start_seconds, max(story.last_seconds, story.start_seconds + 0.1))
    colour = f"rgb{colour_of(track.track)}"
    title = html.escape(title_of(track.track, track.identity))
    return (
        f'<section class="card" id="track-{track.track}"><h2 class="who">'
        f'<span class="dot" style="background:{colour}"></span><span>Track <bdi>{title}</bdi></span></h2>'
        f'<div class="top">{_shots(story, track)}<div class="said">{_identity(track)}{_numbers(track)}</div></div>'
        f"{_expressions(story, track, axis)}{_eyes(story, axis)}{_mouth(story, axis)}{_head(story, axis)}</section>"
    )


def _shots(story: Story, track: TrackSummary) -> str:
    shots = track.shots[:SHOTS] or ((story.shot,) if story.shot else ())
    return f'<div class="shots">{"".join(_figure(shot, track.track) for shot in shots)}</div>' if shots else ""


def _figure(shot: Shot, track: int) -> str:
    data = base64.b64encode(encode_image(shrunk(shot.pixels), ".jpg", JPEG_QUALITY)).decode()
    quality = f", quality {shot.quality:.0f} of 100" if isfinite(shot.quality) else ""
    at = clock(shot.time_seconds)
    said = f"Face of track {track} at {at}{quality}"
    picture = f'<img src="data:image/jpeg;base64,{data}" alt="{said}" title="{said}">'
    return f"<figure>{picture}<figcaption>{at}</figcaption></figure>"


def _identity(track: TrackSummary) -> str:
    who = track.identity
    if not isinstance(who, TrackIdentity):
        return "" if who is not None else "<p>Too little was seen to say who it is.</p>"
    name = f"<b><bdi>{html.escape(one_line(who.name or who.person_id or ''))}</bdi></b>"
    said = {
        "person": f"Recognised as {name}",
        "unknown": "Nobody of the gallery",
        "inconclusive": "Not clear enough to say who it is",
    }.get(who.answer, html.escape(who.answer))
    score = f", score {who.score:.2f}" if who.score is not None and isfinite(who.score) else ""
    fused = f"{said}: {counted(who.shots, 'picture')} taken together{score}, at a false alarm rate of {who.fpir:g}."
    reasons = "".join(f"<li><bdi>{html.escape(one_line(reason, 300))}</bdi></li>" for reason in who.reasons)
    return f"<p>{fused}</p>" + (f'<ul class="note">{reasons}</ul>' if reasons else "")


def _numbers(track: TrackSummary) -> str:
    facts = {
        "In view": f"{clock(track.start_seconds)} to {clock(track.end_seconds)}",
        "Face found in": counted(track.frames, "picture"),
    }
    seen, counts = track.attention, track.counts
    if isinstance(seen, AttentionWindow):
        rate = f", {seen.blinks_per_minute:.0f} a minute" if seen.blinks_per_minute is not None else ""
        facts["Blinks"] = f"{counts.get('blink', 0)}{rate}"
        if seen.perclos is not None:
            facts["Eyes nearly shut"] = f"{seen.perclos:.1%} of the time"
        facts["Longer shut"] = counted(counts.get("eyes_shut", 0), "time")
        facts["Yawns"] = str(counts.get("yawn", 0))
        if seen.towards is not None:
            facts["Towards the camera"] = f"{seen.towards:.0%} of the time"
    rows = "".join(f"<div><dt>{name}</dt><dd>{said}</dd></div>" for name, said in facts.items())
    return f'<dl class="facts">{rows}</dl>'


def _expressions(story: Story, track: TrackSummary, axis: Axis) -> str:
    names = story.timeline.names()
    shares = {name.removeprefix(SHARE): story.timeline.series(name) for name in names if name.startswith(SHARE)}
    labels = {name.removeprefix(LABEL): story.timeline.series(name) for name in names if name.startswith(LABEL)}
    if not shares:
        return ""
    ranked = sorted(track.expressions.items(), key=lambda one: -one[1])
    words = ", ".join(f"{label} {share:.0%}" for label, share in ranked if share >= SMALLEST_SHARE)
    said = f"Apparent expression of track {track.track} from {clock(axis.start)} to {clock(axis.end)}: {words}"
    return (
        '<h3>Apparent expression</h3><div class="plotrow">'
        f"{strip(labels, axis, said)}{bands(shares, axis, f'{said}; probabilities')}</div>{axis.html()}"
        f"{_legend(shares, dict(ranked))}"
    )


def _legend(shares: Mapping[str, Series], said: Mapping[str, float]) -> str:
    labels = sorted({*shares, *said}, key=lambda one: -said.get(one, 0.0))
    items = "".join(
        f'<li><i style="background:{colour_of_label(label)}"></i>{html.escape(label)}{_percent(said.get(label))}</li>'
        for label in labels
        if said.get(label, 0.0) >= SMALLEST_SHARE or _peak(shares.get(label)) > 0.2
    )
    note = '<p class="note">Above: what is said at each time. Below: the probability of each class.</p>'
    return f'<ul class="legend">{items}</ul>{note}'


def _percent(share: float | None) -> str:
    return f" {share:.0%}" if share and share >= SMALLEST_SHARE else ""


def _peak(series: Series | None) -> float:
    known = series.means[np.isfinite(series.means)] if series else np.zeros(0)
    return float(known.max()) if len(known) else 0.0


def _eyes(story: Story, axis: Axis) -> str:
    series = story.timeline.series("eyes")
    blinks = story.timeline.series("blink")
    if not np.isfinite(series.means).any():
        return ""
    high = max(0.45, 1.05 * _peak(series))
    said = f"Openness of the eyes over time, {counted(story.counts['blink'], 'blink')}"
    spans = _spans(story, "eyes_shut")
    marks = ticks(blinks, axis, f"{counted(story.counts['blink'], 'blink')}") if blinks.sums.any() else ""
    key = _key("eyes_shut", spans) + (f" · a tick is a blink ({story.counts['blink']})" if marks else "")
    plot = line(series, axis, 0.0, high, spans, said)
    return _plot("Openness of the eyes" + key, plot, ("open", "shut"), axis, marks)


def _mouth(story: Story, axis: Axis) -> str:
    series = story.timeline.series("mouth")
    if not np.isfinite(series.means).any():
        return ""
    spans = _spans(story, "yawn")
    high = max(0.6, 1.05 * _peak(series))
    plot = line(series, axis, 0.0, high, spans, f"Openness of the mouth over time, {counted(len(spans), 'yawn')}")
    return _plot("Openness of the mouth" + _key("yawn", spans), plot, ("open", "shut"), axis)


def _head(story: Story, axis: Axis) -> str:
    series = story.timeline.series("yaw")
    known = series.means[np.isfinite(series.means)]
    if not len(known):
        return ""
    reach = max(45.0, 1.05 * float(np.abs(known).max()))
    spans = _spans(story, "look_away")
    said = "Turn of the head over time, in degrees; upwards is towards the left of the picture"
    plot = line(series, axis, -reach, reach, spans, said)
    edges = (f"left of the picture, {reach:.0f}°", f"right, {reach:.0f}°")
    return _plot("Turn of the head" + _key("look_away", spans), plot, edges, axis)


def _spans(story: Story, kind: str) -> list[Span]:
    return [
        Span(kind, at, seconds, f"{SIGNS[kind]} at {clock(at)}" + (f" for {duration(seconds)}" if seconds else ""))
        for at, seconds in story.spans(kind)
    ]


def _key(kind: str, spans: list[Span]) -> str:
    return f" · shaded: {SIGNS[kind]} ({len(spans)})" if spans else ""


def _plot(title: str, plot: str, edges: tuple[str, str], axis: Axis, below: str = "") -> str:
    up, down = (
        f'<span class="edge {side}" aria-hidden="true">{text}</span>'
        for side, text in zip(("up", "down"), edges, strict=True)
    )
    head, _, rest = title.partition(" · ")
    note = f' <span class="note">· {html.escape(rest)}</span>' if rest else ""
    return f'<h3>{head}{note}</h3><div class="plotrow">{plot}{up}{down}</div>{below}{axis.html()}'
