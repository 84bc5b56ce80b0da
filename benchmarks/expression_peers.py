"""One program in its own process: names the expression on face crops that `expression.py` asks for on stdin.

    python -P benchmarks/expression_peers.py PROGRAM FACES THREADS [MODEL]

PROGRAM: a name of `PROGRAMS`. FACES: raw bytes, 48 x 48 grey each. MODEL: mien's. One JSON object a line: in come
`first` and `last`; out go, for each face of that range, the seconds and the word in the program's own vocabulary. What
only gives a face the form that the program's API takes is not timed. Needs no mien but to run it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 48


class Mien:
    """Its expression stage on a crop: both vocabularies computed, FER2013's read."""

    fast = False

    def __init__(self, threads: int, model: str) -> None:
        from mien import __version__
        from mien.expression.model_file import open_expression
        from mien.settings import load_settings

        self._stage = open_expression(model, load_settings(threads=threads), self.fast)
        heads = {head.vocabulary: head.classes for head in self._stage.spec.heads}
        if "fer2013" not in heads:
            raise SystemExit(f"{model} has no head for FER2013, but {', '.join(heads)}.")
        self._classes = heads["fer2013"]
        self.version = f"mien {__version__}, {self._stage.model}"

    def prepared(self, face: Any) -> Any:
        return face[None]

    def name(self, given: Any) -> str:
        return self._classes[int(self._stage.probabilities(given)["fer2013"][0].argmax())]


class MienFast(Mien):
    """The same in 8-bit integers where the model's card has the ranges for it."""

    fast = True


class Fer:
    """FER().detect_emotions with a rectangle given: fer's default, a quantised network in TensorFlow Lite.

    fer widens every rectangle by 10 px. This one is 10 px inside of the crop, so that fer's network sees exactly the
    crop, as in its training: of the ways tried the best for it.
    """

    tflite = True
    border = 0
    rectangle = (10, 10, SIDE - 20, SIDE - 20)

    def __init__(self, threads: int, model: str) -> None:
        cv2, tensorflow = _opencv(threads), _tensorflow(threads)
        from fer.fer import FER

        self._fer, self._cv2 = FER(use_tflite=self.tflite), cv2
        self.version = f"fer {version('fer')} (TensorFlow {tensorflow.__version__})"

    def prepared(self, face: Any) -> Any:
        sides = [self.border] * 4
        return self._cv2.cvtColor(
            self._cv2.copyMakeBorder(face, *sides, self._cv2.BORDER_REPLICATE), self._cv2.COLOR_GRAY2BGR
        )

    def name(self, given: Any) -> str:
        emotions = self._fer.detect_emotions(given, face_rectangles=[self.rectangle])[0]["emotions"]
        return str(max(emotions, key=emotions.get))


class FerKeras(Fer):
    """The same with fer's Keras network, its default up to 25.10.2."""

    tflite = False


class FerWhole(Fer):
    """The rectangle is the whole crop: fer widens it with 10 px of one grey."""

    rectangle = (0, 0, SIDE, SIDE)


class FerReplicated(Fer):
    """The rectangle is the whole crop, whose border is continued by the 10 px that fer adds."""

    border = 10
    rectangle = (10, 10, SIDE, SIDE)


class FerNetwork:
    """fer's default network alone, a batch of one in its own runtime: the crop at 64 px goes in, seven numbers out."""

    classes = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

    def __init__(self, threads: int, model: str) -> None:
        self._cv2, tensorflow = _opencv(threads), _tensorflow(threads)
        path = _folder("fer") / "data" / "emotion_model_quantized.tflite"
        self._network = tensorflow.lite.Interpreter(model_path=str(path), num_threads=threads)
        self._network.allocate_tensors()
        self._takes = self._network.get_input_details()[0]["index"]
        self._gives = self._network.get_output_details()[0]["index"]
        self.version = f"fer {version('fer')} (TensorFlow {tensorflow.__version__})"

    def prepared(self, face: Any) -> Any:
        scaled = self._cv2.resize(face, (64, 64)).astype(np.float32) / 255
        return ((scaled - 0.5) * 2)[None, ..., None]

    def name(self, given: Any) -> str:
        self._network.set_tensor(self._takes, given)
        self._network.invoke()
        return self.classes[int(self._network.get_tensor(self._gives)[0].argmax())]


class FacialEmotionRecognition:
    """Its network with its own normalisation, without Pillow and torchvision: its API always looks for faces.

    The package ships its weights as a pickle; they are read as tensors only.
    """

    classes = ("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral")

    def __init__(self, threads: int, model: str) -> None:
        import torch

        torch.set_num_threads(threads)
        folder = _folder("facial_emotion_recognition")
        network = _module(folder / "networks.py").NetworkV2(in_c=1, nl=32, out_f=len(self.classes))
        saved = torch.load(folder / "model" / "model.pkl", map_location="cpu", weights_only=True)
        network.load_state_dict(saved["network"])
        self._network, self._torch = network.eval(), torch
        own, its = version("facial-emotion-recognition"), version("torch")
        self.version = f"facial-emotion-recognition {own} (PyTorch {its})"

    def prepared(self, face: Any) -> Any:
        return self._torch.from_numpy(face.copy())

    def name(self, given: Any) -> str:
        with self._torch.inference_mode():
            scores = self._network(given.float().div(255).sub(0.5).div(0.5)[None, None])
        return self.classes[int(scores.argmax())]


PROGRAMS: dict[str, Callable[[int, str], Any]] = {
    "mien": Mien,
    "mien-fast": MienFast,
    "fer": Fer,
    "fer-network": FerNetwork,
    "fer-keras": FerKeras,
    "fer-whole": FerWhole,
    "fer-replicated": FerReplicated,
    "facial-emotion-recognition": FacialEmotionRecognition,
}


def _folder(package: str) -> Path:
    """Where a package lies, without importing it."""
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def _module(path: Path) -> Any:
    """One module of a package, without what the package itself imports."""
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _opencv(threads: int) -> Any:
    import cv2

    cv2.setNumThreads(threads)
    return cv2


def _tensorflow(threads: int) -> Any:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
    return tensorflow


def answer(program: Any, faces: Any) -> dict[str, Any]:
    """Name every face."""
    seconds, said = [], []
    for face in faces:
        given = program.prepared(face)
        started = time.perf_counter()
        word = program.name(given)
        seconds.append(time.perf_counter() - started)
        said.append(word)
    return {"seconds": seconds, "said": said}


def main() -> None:
    """Serve until stdin ends."""
    name, path, threads, *model = sys.argv[1:]
    faces = np.fromfile(path, np.uint8).reshape(-1, SIDE, SIDE)
    # What a library prints while it loads must not be taken for an answer.
    replies, sys.stdout = sys.stdout, sys.stderr
    program = PROGRAMS[name](int(threads), *(model or [""]))
    print(json.dumps({"version": program.version}), file=replies, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(answer(program, faces[asked["first"] : asked["last"]])), file=replies, flush=True)


if __name__ == "__main__":
    main()
