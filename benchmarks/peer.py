"""One program in its own process: finds, aligns and embeds the faces of photos that `speed.py` names on stdin.

    python -P benchmarks/peer.py PROGRAM CORE FILES

PROGRAM: a name of `PROGRAMS`. CORE: the processor core to stay on, where the system allows it; -1 for any. FILES: JSON,
paths that the program needs. One JSON object a line: in come `input` (`pixels`, `bytes` or `file`), `path`, and
`vectors`, whether boxes and embeddings are wanted back; out go seconds and what was found. Needs no mien but to run it.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Found = list[tuple[list[float], Any]]
MIN_SCORE = 0.6
LONG_SIDE = 640


class Mien:
    """Its Analyzer as anybody would call it, without the mirror image, which the others do not have either."""

    def __init__(self, files: dict[str, str]) -> None:
        from mien import Analyzer, __version__, load_settings
        from mien.engine.onnxruntime import OnnxRuntimeSession
        from mien.engine.openvino import OpenVinoSession

        self.model_seconds = 0.0
        for session in (OpenVinoSession, OnnxRuntimeSession):
            session.run = self._timed(session.run)  # type: ignore[method-assign]
        self._analyzer = Analyzer(stages=("embed",), settings=load_settings(threads=1), fast=True)
        self.version = f"mien {__version__}"

    def _timed(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            started = time.perf_counter()
            try:
                return run(*arguments)
            finally:
                self.model_seconds += time.perf_counter() - started

        return timed

    def pixels(self, path: str) -> Any:
        return rgb(path)

    def find(self, source: Any) -> Found:
        found = self._analyzer.analyze(source).faces
        boxes = [face.detection.box for face in found]
        return [
            ([box.x, box.y, box.width, box.height], face.embedding.vector)
            for box, face in zip(boxes, found, strict=True)
        ]


class OpenCV:
    """FaceDetectorYN, then alignCrop and feature of FaceRecognizerSF for each face; the detector sees all pixels."""

    long_side: int | None = None

    def __init__(self, files: dict[str, str]) -> None:
        import cv2

        self._cv2 = cv2
        cv2.setNumThreads(1)
        self._detector = cv2.FaceDetectorYN.create(files["yunet"], "", (LONG_SIDE, LONG_SIDE), MIN_SCORE)
        self._recognizer = cv2.FaceRecognizerSF.create(files["sface"], "")
        self.version = f"OpenCV {cv2.__version__}"

    def pixels(self, path: str) -> Any:
        return self._cv2.imread(path)

    def _decoded(self, source: Any) -> Any:
        if isinstance(source, bytes):
            return self._cv2.imdecode(np.frombuffer(source, np.uint8), self._cv2.IMREAD_COLOR)
        return self._cv2.imread(source) if isinstance(source, str) else source

    def find(self, source: Any) -> Found:
        image = self._decoded(source)
        scale = min(1.0, self.long_side / max(image.shape[:2])) if self.long_side else 1.0
        small = image if scale == 1 else self._cv2.resize(image, None, fx=scale, fy=scale)
        self._detector.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._detector.detect(small)
        found: Found = []
        for row in rows if rows is not None else ():
            row[:14] /= scale
            crop = self._recognizer.alignCrop(image, row)
            found.append((row[:4].tolist(), self._recognizer.feature(crop)[0].copy()))
        return found


class OpenCV640(OpenCV):
    """The same, the detector on a copy of 640 px; the crops come from the full picture."""

    long_side = LONG_SIDE


class FaceRecognition:
    """face_locations (HOG) and face_encodings, on all pixels."""

    long_side: int | None = None

    def __init__(self, files: dict[str, str]) -> None:
        import dlib
        import face_recognition

        self._library = face_recognition
        self.version = f"face_recognition {face_recognition.__version__} (dlib {dlib.__version__})"

    def pixels(self, path: str) -> Any:
        return rgb(path)

    def find(self, source: Any) -> Found:
        if isinstance(source, bytes):
            source = io.BytesIO(source)
        image = source if isinstance(source, np.ndarray) else self._library.load_image_file(source)
        scale = min(1.0, self.long_side / max(image.shape[:2])) if self.long_side else 1.0
        if scale < 1:
            image = resized(image, scale)
        places = self._library.face_locations(image, model="hog")
        vectors = self._library.face_encodings(image, places)
        sides = [(left, top, right - left, bottom - top) for top, right, bottom, left in places]
        return [([side / scale for side in box], vector) for box, vector in zip(sides, vectors, strict=True)]


class FaceRecognition640(FaceRecognition):
    """The same on a copy of 640 px."""

    long_side = LONG_SIDE


PROGRAMS: dict[str, Callable[[dict[str, str]], Any]] = {
    "mien": Mien,
    "opencv": OpenCV,
    "opencv-640": OpenCV640,
    "face_recognition": FaceRecognition,
    "face_recognition-640": FaceRecognition640,
}


def rgb(path: str) -> Any:
    from PIL import Image

    return np.ascontiguousarray(Image.open(path).convert("RGB"))


def resized(image: Any, scale: float) -> Any:
    from PIL import Image

    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    return np.ascontiguousarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def answer(program: Any, kept: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Run one photo; what only prepares it (reading bytes, decoding pixels) is outside of the measured time."""
    path, key = request["path"], f"{request['input']} {request['path']}"
    if request["input"] == "file":
        source: Any = path
    else:
        if key not in kept:
            kept[key] = program.pixels(path) if request["input"] == "pixels" else Path(path).read_bytes()
        source = kept[key]
    models = getattr(program, "model_seconds", None)
    wall, cpu = time.perf_counter(), time.process_time()
    found = program.find(source)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    result = {"wall": wall, "cpu": cpu, "faces": len(found)}
    if models is not None:
        result["models"] = program.model_seconds - models
    if request.get("vectors"):
        result["found"] = [(box, [float(value) for value in vector]) for box, vector in found]
    return result


def main() -> None:
    """Serve until stdin ends."""
    name, core, files = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    if core >= 0 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    program = PROGRAMS[name](files)
    kept: dict[str, Any] = {}
    print(json.dumps({"version": program.version, "python": sys.version.split()[0]}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(program, kept, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
