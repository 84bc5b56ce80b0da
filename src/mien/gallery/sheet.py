"""A contact sheet of the doctor's findings: what is meant beside what it is like, and why."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien.face import Pixels
from mien.gallery.doctor import Finding
from mien.gallery.people import Person, Template

TILE: Final = 112
GAP: Final = 10
TEXT_WIDTH: Final = 620
WIDTH: Final = 5 * GAP + 3 * TILE + TEXT_WIDTH
PAPER, INK, PALE, GREY = (255, 255, 255), (25, 30, 35), (90, 95, 100), (205, 208, 211)
HEAD_PX, BODY_PX = 16, 14
LINE_LETTERS: Final = 92

Tile = tuple[Person, Template | None]


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding with up to three faces that show it: what is meant, the person's own, and whom it is like."""

    finding: Finding
    tiles: tuple[Tile, ...]


def shown(finding: Finding, person: Callable[[str], Person], templates: Callable[[str], Sequence[Template]]) -> Shown:
    """Choose what to show: the template that is meant beside the closest of its person and of the other, or the closest
    pair of two people.

    person and templates: look up by id, as `Records` has them.
    """
    own = templates(finding.person_id)
    meant = [one for one in own if finding.template_id in (None, one.id)]
    rest = [one for one in own if one.id != finding.template_id] if finding.template_id else []
    rivals = templates(finding.other_id) if finding.other_id else []
    one, other = _closest(meant, rivals or rest)
    tiles: list[Tile] = [(person(finding.person_id), one)]
    if rest:
        tiles.append((person(finding.person_id), _closest(meant, rest)[1]))
    if finding.other_id:
        tiles.append((person(finding.other_id), other))
    return Shown(finding, tuple(tiles))


def draw_sheet(findings: Sequence[Shown]) -> Pixels:
    """(H, 1006, 3) uint8 RGB, one row a finding: crops, or grey tiles with the template's id where none is kept."""
    height = max(1, len(findings)) * (TILE + 26 + GAP) + GAP
    canvas = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(canvas)
    if not findings:
        pen.text((GAP, GAP), "Nothing was found.", fill=INK, font=ImageFont.load_default(HEAD_PX))
    for row, one in enumerate(findings):
        top = GAP + row * (TILE + 26 + GAP)
        for place, tile in enumerate(one.tiles):
            _tile(canvas, pen, tile, GAP + place * (TILE + GAP), top)
        _text(pen, one.finding, 4 * GAP + 3 * TILE, top)
        pen.line((GAP, top - GAP // 2, WIDTH - GAP, top - GAP // 2), fill=GREY if row else PAPER)
    return np.asarray(canvas, np.uint8)


def _closest(mine: Sequence[Template], others: Sequence[Template]) -> tuple[Template | None, Template | None]:
    """The closest pair; None for a side that has none."""
    if not mine or not others:
        return next(iter(mine), None), next(iter(others), None)
    scores = np.stack([one.vector for one in mine]) @ np.stack([one.vector for one in others]).T
    first, second = np.unravel_index(int(scores.argmax()), scores.shape)
    return mine[int(first)], others[int(second)]


def _tile(canvas: Image.Image, pen: ImageDraw.ImageDraw, tile: Tile, left: int, top: int) -> None:
    person, template = tile
    small = ImageFont.load_default(BODY_PX - 2)
    if template and template.crop:
        with Image.open(io.BytesIO(template.crop)) as crop:
            canvas.paste(crop.convert("RGB").resize((TILE, TILE)), (left, top))
    else:
        pen.rectangle((left, top, left + TILE - 1, top + TILE - 1), fill=GREY)
        pen.text((left + 6, top + TILE // 2 - 8), f"template {template.id}" if template else "none", INK, small)
    pen.text((left, top + TILE + 3), _fitting(person.profile.name, small), fill=INK, font=small)


def _text(pen: ImageDraw.ImageDraw, finding: Finding, left: int, top: int) -> None:
    meant = f"template {finding.template_id}" if finding.template_id else ""
    score = f"quality {finding.score:.0f}" if finding.kind == "low_quality" else f"score {finding.score:.3f}"
    head = "   ".join(part for part in (finding.kind.replace("_", " "), score, meant) if part)
    pen.text((left, top), head, fill=INK, font=ImageFont.load_default(HEAD_PX))
    lines = textwrap.wrap(_one_line(finding.reason), LINE_LETTERS)[:5]
    pen.multiline_text((left, top + 24), "\n".join(lines), fill=PALE, font=ImageFont.load_default(BODY_PX), spacing=4)


def _fitting(name: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """A name as far as there is room below a tile."""
    name = _one_line(name)
    if font.getlength(name) <= TILE:
        return name
    while name and font.getlength(f"{name}...") > TILE:
        name = name[:-1]
    return f"{name}..."


def _one_line(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
