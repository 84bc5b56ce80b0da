"""Text of any script as small bitmaps, rendered once."""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Mask = NDArray[np.uint8]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
KEPT = 512
# Found where the system has them: Linux, Windows and macOS, wide fonts first.
SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "arial.ttf",
    "Arial Unicode.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "Nirmala.ttf",
)
_NO_CHARACTER = "\U0010ffff"


class Captions:
    """Renders lines of text in one height; keeps the last few hundred. For one thread.

    Latin is in the font that comes with Pillow. Chinese, Japanese, Korean, Cyrillic and Greek are in the one that
    comes with OpenCV 5. Scripts from right to left, and those that join letters in other ways, need a font of the
    system (see SYSTEM_FONTS); a character that no font has becomes a question mark.
    """

    def __init__(self, height: int) -> None:
        """height: of a line, in px."""
        self.height = height
        self._masks: OrderedDict[str, Mask] = OrderedDict()
        self._default = ImageFont.load_default(height * 0.72)
        self._system: list[Font] | None = None
        self._wide: Any = cv2.FontFace("uni") if hasattr(cv2, "FontFace") else None

    def mask(self, text: str) -> Mask:
        """(height, W) uint8, 255 where the ink is; read-only."""
        if (found := self._masks.get(text)) is not None:
            self._masks.move_to_end(text)
            return found
        made = self._render(text)
        made.flags.writeable = False
        self._masks[text] = made
        if len(self._masks) > KEPT:
            self._masks.popitem(last=False)
        return made

    def _render(self, text: str) -> Mask:
        if _covers(self._default, text):
            return self._by_pillow(text, self._default)
        if self._wide is not None and not _from_the_right(text) and self._wide_covers(text):
            return self._by_opencv(text)
        if self._system is None:
            self._system = _system_fonts(self.height * 0.72)
        for font in self._system:
            if _covers(font, text):
                return self._by_pillow(text, font)
        return self._by_pillow("".join(one if _covers(self._default, one) else "?" for one in text), self._default)

    def _by_pillow(self, text: str, font: Font) -> Mask:
        width = max(1, int(np.ceil(font.getlength(text))))
        canvas = Image.new("L", (width, self.height))
        ImageDraw.Draw(canvas).text((0, self.height / 2), text, fill=255, font=font, anchor="lm")
        return np.array(canvas, np.uint8)

    def _by_opencv(self, text: str) -> Mask:
        size = max(1, round(self.height * 0.68))
        _, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), self._wide, size)
        canvas = np.zeros((self.height, max(1, width + 2), 3), np.uint8)
        cv2.putText(canvas, text, (0, round(self.height * 0.75)), (255, 255, 255), self._wide, size)
        return np.ascontiguousarray(canvas[:, :, 0])

    def _wide_covers(self, text: str) -> bool:
        """OpenCV draws a question mark for what its font has not."""
        unknown = self._by_opencv("?")
        marks = {one for one in text if not one.isspace() and one != "?"}
        return not any(np.array_equal(self._by_opencv(one), unknown) for one in marks)


def _covers(font: Font, text: str) -> bool:
    missing = font.getmask(_NO_CHARACTER)
    return not any(
        font.getmask(one).size == missing.size and bytes(font.getmask(one)) == bytes(missing)
        for one in set(text)
        if not one.isspace() and one not in "\u200c\u200d"
    )


def _from_the_right(text: str) -> bool:
    return any(unicodedata.bidirectional(one) in ("R", "AL") for one in text)


def _system_fonts(size: float) -> list[Font]:
    found: list[Font] = []
    for name in SYSTEM_FONTS:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:
            continue  # this system does not have it
    return found
