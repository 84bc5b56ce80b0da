"""A report as one HTML page that needs nothing beside itself."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib import resources
from string import Template

from mien.expression.classes import UNSURE
from mien.video.moment import TrackSummary, VideoEvent, VideoSummary
from mien.video.sink.charts import Axis, presence
from mien.video.sink.stories import Stories
from mien.video.sink.track_section import section
from mien.video.sink.words import (
    SIGNS,
    clock,
    colour_of,
    counted,
    detail_of,
    duration,
    name_of,
    one_line,
    title_of,
)

LISTED_TRACKS = 300
NAMED = 6
VERBS: Mapping[str, str] = {
    "yawn": "yawned",
    "look_away": "looked away from the camera",
    "eyes_shut": "had the eyes shut for longer",
}
KINDS: Mapping[str, str] = {
    **SIGNS,
    "track_start": "comes into view",
    "track_end": "out of view",
    "identity": "recognition",
    "expression": "apparent expression",
    "gap": "no picture",
}
REFRESH = '<meta http-equiv="refresh" content="30">'


def page(stories: Stories, summary: VideoSummary, over: bool) -> str:
    """The page. over: the run has ended; else the page says so, and loads itself anew now and then."""
    tracks = sorted(summary.tracks, key=lambda one: -one.frames)
    shown = [track for track in tracks if track.track in stories.kept]
    others = [track for track in tracks if track.track not in stories.kept]
    parts = [
        "" if over else '<p class="warn">The run still goes on: this is how far it has come.</p>',
        _at_a_glance(summary, tracks),
        _overview(stories, summary, shown),
        *(section(stories.kept[track.track], track) for track in sorted(shown, key=lambda one: one.track)),
        _others(others, stories),
        _events(stories, {track.track: track for track in tracks}),
    ]
    source = one_line(summary.source.name, 300)
    template = resources.files("mien.video.sink").joinpath("report.html").read_text(encoding="utf-8")
    return Template(template).substitute(
        refresh="" if over else REFRESH,
        title=html.escape(f"{source}: what was seen"),
        source=html.escape(source),
        facts=_facts(summary),
        body="\n".join(part for part in parts if part),
        models=_models(summary.models),
        written=datetime.now().astimezone().strftime("%d %B %Y, %H:%M"),
    )


def _facts(summary: VideoSummary) -> str:
    source = summary.source
    facts = {
        "Length": duration(summary.seconds_analyzed),
        "Pictures": f"{summary.frames:,}",
        "Left out": f"{summary.dropped:,}" if summary.dropped or source.live else "",
        "Size": f"{summary.width or source.width} × {summary.height or source.height}",
        "Rate": f"{source.frames_per_second:.4g} a second" if source.frames_per_second else "",
        "Source": f"{source.kind}, live" if source.live else source.kind,
        "Delay": f"{summary.delay_seconds:.2f} s" if summary.delay_seconds is not None else "",
    }
    rows = (f"<div><dt>{name}</dt><dd>{html.escape(str(said))}</dd></div>" for name, said in facts.items() if said)
    return f'<dl class="facts">{"".join(rows)}</dl>'


def _at_a_glance(summary: VideoSummary, tracks: list[TrackSummary]) -> str:
    if not tracks:
        return '<section class="card lead"><h2>At a glance</h2><p>No face was seen.</p></section>'
    names = sorted({name for track in tracks if (name := name_of(track.identity))})
    first = f"{counted(len(tracks), 'face')} {'was' if len(tracks) == 1 else 'were'} followed"
    if names:
        first += f"; {counted(len(names), 'person', 'people')} {'was' if len(names) == 1 else 'were'} recognised: "
        first += _and(names) if len(names) <= NAMED else f"{', '.join(names[:NAMED])} and others"
    most, rest = tracks[:NAMED], len(tracks) - NAMED
    items = "".join(f"<li>{_sentence(track)}</li>" for track in sorted(most, key=lambda one: one.track))
    more = f"<p>And {counted(rest, 'more track')}, in view for a shorter time.</p>" if rest > 0 else ""
    return (
        '<section class="card lead"><h2>At a glance</h2>'
        f'<p dir="auto">{html.escape(first)}.</p><ul>{items}</ul>{more}</section>'
    )


def _sentence(track: TrackSummary) -> str:
    who = name_of(track.identity) or f"Track {track.track}"
    seconds = max(0.0, track.end_seconds - track.start_seconds)
    said = f"<b><bdi>{html.escape(who)}</bdi></b> was in view for {duration(seconds)}"
    ranked = [(label, share) for label, share in _ranked(track.expressions) if label != UNSURE and share >= 0.05]
    if ranked:
        words = [f"{html.escape(label)} ({share:.0%} of the time)" for label, share in ranked[:1]]
        words += [f"{html.escape(label)} ({share:.0%})" for label, share in ranked[1:3]]
        said += f"; the apparent expression was {'mostly ' if ranked[0][1] > 0.5 else ''}{', then '.join(words)}"
    elif track.expressions:
        said += "; the expression was not clear enough to name"
    counts = track.counts
    signs = [f"{verb} {_times(counts[kind])}" for kind, verb in VERBS.items() if counts.get(kind)]
    return said + (f". The face {_and(signs)}" if signs else "") + "."


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


def _overview(stories: Stories, summary: VideoSummary, shown: list[TrackSummary]) -> str:
    if not shown:
        return ""
    start = stories.start_seconds or 0.0
    axis = Axis(start, max(stories.last_seconds, start + 0.1))
    rows = []
    for track in sorted(shown, key=lambda one: one.track):
        story = stories.kept[track.track]
        title = title_of(track.track, track.identity)
        said = f"Track {title}: {clock(track.start_seconds)} to {clock(track.end_seconds)}"
        rows.append(
            f'<a href="#track-{track.track}"><bdi>{html.escape(title)}</bdi></a>'
            + presence(story.stretches(), axis, f"rgb{colour_of(track.track)}", said)
        )
    if stories.gaps:
        away = [(at, at + length) for at, length in stories.gaps]
        rows.append(f"<span>no picture</span>{presence(away, axis, '#d4483f', 'Times without a picture')}")
    return (
        f'<section class="card"><h2>Who was in view, when</h2><div class="gantt">{"".join(rows)}'
        f"<span></span>{axis.html()}</div></section>"
    )


def _others(tracks: list[TrackSummary], stories: Stories) -> str:
    if not tracks and not stories.tracks_left_out:
        return ""
    rows = "".join(
        f'<tr><td class="n">{track.track}</td><td><bdi>{html.escape(name_of(track.identity) or "")}</bdi></td>'
        f'<td class="n">{clock(track.start_seconds)}</td><td class="n">{clock(track.end_seconds)}</td>'
        f"<td>{html.escape(_mostly(track))}</td></tr>"
        for track in sorted(tracks[:LISTED_TRACKS], key=lambda one: one.track)
    )
    unlisted = max(0, len(tracks) - LISTED_TRACKS) if tracks else stories.tracks_left_out
    more = f"<p class='note'>{counted(unlisted, 'more track')} not listed.</p>" if unlisted else ""
    table = (
        '<div class="scroll"><table><thead><tr><th class="n">Track</th><th>Who</th><th class="n">From</th>'
        f'<th class="n">To</th><th>Mostly</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )
    return f'<section class="card"><h2>Shorter tracks</h2>{table if rows else ""}{more}</section>'


def _events(stories: Stories, tracks: Mapping[int, TrackSummary]) -> str:
    if not stories.events:
        return ""
    rows = "".join(_event(event, tracks) for event in sorted(stories.events, key=lambda one: one.time_seconds))
    left = stories.events_left_out
    more = f" {counted(left, 'earlier event')} left out." if left else ""
    return (
        f'<section class="card"><h2>What happened</h2><p class="note">Blinks are drawn above, not listed.{more}</p>'
        '<div class="scroll"><table><thead><tr><th class="n">Time</th><th>Who</th><th>What</th><th></th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _event(event: VideoEvent, tracks: Mapping[int, TrackSummary]) -> str:
    track = tracks.get(event.track) if event.track is not None else None
    who = title_of(track.track, track.identity) if track else "" if event.track is None else str(event.track)
    kind = KINDS.get(event.kind, event.kind)
    return (
        f'<tr><td class="n">{clock(event.time_seconds)}</td><td><bdi>{html.escape(who)}</bdi></td>'
        f"<td>{html.escape(kind)}</td><td><bdi>{html.escape(detail_of(event.kind, event.detail))}</bdi></td></tr>"
    )


def _models(models: Mapping[str, str]) -> str:
    if not models:
        return ""
    return "Models: " + html.escape(", ".join(f"{stage} {model}" for stage, model in models.items())) + "."


def _ranked(shares: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(shares.items(), key=lambda one: -one[1])


def _mostly(track: TrackSummary) -> str:
    return _ranked(track.expressions)[0][0] if track.expressions else ""


def _and(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
