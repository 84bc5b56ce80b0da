"""The video again, with a box and a few words at each face."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mien.draw import apparent
from mien.face import Pixels
from mien.video.frame import Frame, SourceInfo
from mien.video.moment import Moment, TrackedFace, VideoSummary
from mien.video.sink.caption import Captions
from mien.video.sink.encoder import VideoWriter, container_of
from mien.video.sink.files import may_write
from mien.video.sink.words import colour_of, expression_of, signs_of, title_of

YAWN_SHOWN_SECONDS = 1.5
INK = np.array((12, 16, 20), np.int16)


class Annotator:
    """Draws moments onto frames of one size of picture. For one thread."""

    def __init__(self, height: int) -> None:
        """height: of the pictures in px; sizes of lines and letters follow it."""
        self._line = max(2, round(height / 300))  # H.264 halves colour: one row alone would fade
        self._captions = Captions(max(16, round(height / 32)))
        self._yawned: dict[int, float] = {}

    def draw(self, frame: Frame, moment: Moment) -> Pixels:
        """A copy of the frame's picture: a box in the track's colour, dashed where it is predicted.

        Above it the track's number and name, what the face appears to show, and the signs that last now.
        """
        canvas = frame.pixels.copy()
        self._note(moment)
        for face in moment.faces:
            self._box(canvas, face)
        for face in moment.faces:  # text over boxes
            self._label(canvas, face)
        return canvas

    def _note(self, moment: Moment) -> None:
        now = moment.time_seconds
        self._yawned |= {one.track: now for one in moment.events if one.kind == "yawn" and one.track is not None}
        self._yawned = {track: at for track, at in self._yawned.items() if now - at <= YAWN_SHOWN_SECONDS}

    def _box(self, canvas: Pixels, face: TrackedFace) -> None:
        left, top, right, bottom = _corners(face)
        colour = colour_of(face.track)
        if not face.predicted:
            cv2.rectangle(canvas, (left, top), (right, bottom), colour, self._line)
            return
        dash = 6 * self._line
        for x in range(left, right, 2 * dash):
            for y in (top, bottom):
                cv2.line(canvas, (x, y), (min(x + dash, right), y), colour, self._line)
        for y in range(top, bottom, 2 * dash):
            for x in (left, right):
                cv2.line(canvas, (x, y), (x, min(y + dash, bottom)), colour, self._line)

    def _label(self, canvas: Pixels, face: TrackedFace) -> None:
        masks = [self._captions.mask(line) for line in self.lines(face)]
        high, wide = canvas.shape[:2]
        pad, step = 3 * self._line, self._captions.height
        width = min(wide, max(mask.shape[1] for mask in masks) + 2 * pad)
        height = min(high, step * len(masks))
        left, top, _, bottom = _corners(face)
        left = min(max(0, left - self._line // 2), wide - width)
        # Above the box, else below it, else inside.
        top = top - height if top >= height else (bottom if bottom + height <= high else max(0, top))
        top = min(max(0, top), high - height)
        patch = _patch(masks, (height, width), pad, step, colour_of(face.track))
        canvas[top : top + height, left : left + width] = patch

    def lines(self, face: TrackedFace) -> list[str]:
        """What stands at a face, from above."""
        said = [title_of(face.track, face.identity)]
        if expression := expression_of(face):
            said.append(apparent(expression))
        said += signs_of(face.attention)
        return [*said, "yawn"] if face.track in self._yawned else said


class AnnotatedVideo:
    """A Sink: H.264 in .mp4, .m4v, .mov or .mkv with the source's timing and sound, playable after a kill."""

    def __init__(self, path: Path, audio_from: Path | None = None) -> None:
        """audio_from: the source's file, for its sound. Raises SinkError for another ending of the name."""
        container_of(path)
        self._path, self._audio_from = path, audio_from
        self._writer: VideoWriter | None = None
        self._annotator: Annotator | None = None

    def start(self, info: SourceInfo) -> None:
        """Raises SinkError where the path cannot be written; the file begins with the first frame."""
        may_write(self._path)

    def take(self, frame: Frame, moment: Moment) -> None:
        """Draw and write. Raises SinkError and ExtraMissing."""
        if self._writer is None or self._annotator is None:
            height, width = frame.pixels.shape[:2]
            self._writer = VideoWriter(self._path, width, height, self._audio_from)
            self._annotator = Annotator(height)
        self._writer.write(self._annotator.draw(frame, moment), frame.time_seconds)

    def finish(self, summary: VideoSummary) -> None:
        """Raises SinkError."""
        self.close()

    def close(self) -> None:
        """Raises SinkError where the end cannot be written."""
        writer, self._writer = self._writer, None
        if writer:
            writer.close()


def _corners(face: TrackedFace) -> tuple[int, int, int, int]:
    box = face.face.detection.box
    return round(box.x), round(box.y), round(box.x + box.width), round(box.y + box.height)


def _patch(masks: Sequence[Pixels], size: tuple[int, int], pad: int, step: int, colour: tuple[int, int, int]) -> Pixels:
    """(height, width, 3): the lines in dark ink on the track's colour."""
    ink = np.zeros(size, np.int16)
    for row, mask in enumerate(masks):
        rows = ink[row * step : (row + 1) * step, pad:]
        part = mask[: rows.shape[0], : rows.shape[1]]
        rows[: part.shape[0], : part.shape[1]] = part
    ground = np.array(colour, np.int16)
    # 16 bits hold 255 * 127; the halved ink is exact enough for letters.
    return np.asarray(ground + (INK - ground) * (ink[:, :, None] >> 1) // 127, np.uint8)
