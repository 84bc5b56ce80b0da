"""mien's video loop against peers' loops: the same 720p H.264 clip with two faces, in turns, on all cores given.

    python benchmarks/video_speed.py --clips ../shared/data/clips [--seconds 20] [--rounds 3] [--peers opencv,deepface]

Every program is a child process that works through the whole clip once a round, one program after the other; a
program's rate is the median over the rounds. mien detects in every frame, tracks, recognises two enrolled people, and
reads expression and attention, without leaving out a frame. `opencv` is a plain loop: VideoCapture, FaceDetectorYN on a
copy of 640 px, FaceRecognizerSF for each face of each frame; it has no expression and no attention. `deepface` is the
loop of DeepFace's `stream` without its pauses: extract_faces with YuNet, represent with SFace and analyze with its
emotion network for each face of each frame, by ONNX Runtime. Its emotion weights lie where only a download at run time
reaches them: the network runs with random numbers instead, which take the same time. Peers get their own environments,
made with pip at the first run. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REQUIREMENTS = {
    "opencv": ["opencv-python-headless>=5", "numpy"],
    "deepface": ["deepface>=0.0.103", "onnxruntime"],
}
LONG_SIDE, MIN_SCORE = 640, 0.6


def mien(files: dict[str, str]) -> Callable[[], int]:
    """The loop as `mien watch --gallery` runs it."""
    from mien import Gallery, VideoAnalyzer, open_source

    analyzer = VideoAnalyzer(gallery=Gallery(files["gallery"]))

    def run() -> int:
        with open_source(files["clip"]) as source:
            return sum(1 for _ in analyzer.run(source))

    return run


def opencv(files: dict[str, str]) -> Callable[[], int]:
    """The usual loop of tutorials."""
    import cv2

    detector = cv2.FaceDetectorYN.create(files["yunet"], "", (LONG_SIDE, LONG_SIDE), MIN_SCORE)
    recognizer = cv2.FaceRecognizerSF.create(files["sface"], "")

    def run() -> int:
        capture, frames = cv2.VideoCapture(files["clip"]), 0
        while True:
            read, image = capture.read()
            if not read:
                return frames
            scale = LONG_SIDE / max(image.shape[:2])
            small = cv2.resize(image, None, fx=scale, fy=scale)
            detector.setInputSize((small.shape[1], small.shape[0]))
            _, rows = detector.detect(small)
            for row in rows if rows is not None else ():
                row[:14] /= scale
                recognizer.feature(recognizer.alignCrop(image, row))
            frames += 1

    return run


def deepface(files: dict[str, str]) -> Callable[[], int]:
    """What `DeepFace.stream` does with a frame that it analyses."""
    import cv2
    from deepface import DeepFace

    def run() -> int:
        capture, frames = cv2.VideoCapture(files["clip"]), 0
        while True:
            read, image = capture.read()
            if not read:
                return frames
            found = DeepFace.extract_faces(image, detector_backend="yunet", enforce_detection=False)
            for one in found:
                face = one["face"][:, :, ::-1]
                DeepFace.represent(face, model_name="SFace", detector_backend="skip", enforce_detection=False)
                DeepFace.analyze(face, actions=("emotion",), detector_backend="skip", silent=True)
            frames += 1

    return run


PROGRAMS: dict[str, Callable[[dict[str, str]], Callable[[], int]]] = {
    "mien": mien,
    "opencv": opencv,
    "deepface": deepface,
}


def serve(program: str, files: dict[str, str]) -> None:
    """In the child: load, run once to warm up where asked, and time each run that a line on stdin asks for."""
    run = PROGRAMS[program](files)
    for _ in sys.stdin:
        started, cpu = time.perf_counter(), time.process_time()
        frames = run()
        seconds = time.perf_counter() - started
        print(json.dumps([frames, seconds, time.process_time() - cpu]), flush=True)


def prepare(arguments: argparse.Namespace, folder: Path) -> dict[str, str]:
    """The clip, a gallery of its two people, and the models for peers."""
    from video_deepface import place
    from video_scene import pictures, write_scene

    from mien import Gallery, load_settings
    from mien.engine.plain import plain_onnx
    from mien.gallery.gallery import Profile
    from mien.gallery.store.master import MasterKey
    from mien.gallery.store.records import GalleryPolicy
    from mien.weights.fetch import ensure

    clip = folder / "clip.mp4"
    write_scene(arguments.clips, clip, arguments.seconds)
    settings, files = load_settings(), {"clip": str(clip), "gallery": str(folder / "gallery")}
    key = MasterKey.new()
    os.environ["MIEN_GALLERY_KEY"] = key.text
    with Gallery.create(files["gallery"], GalleryPolicy(require_consent=False), settings, master=key) as gallery:
        for name in ("lrwp9a.mpg", "bbaf2n.mpg"):
            gallery.enrol(Profile(name), pictures(arguments.clips / name)[10:60:20])
    for model in ("yunet", "sface"):
        path = folder / f"{model}.onnx"
        path.write_bytes(plain_onnx(ensure(model, settings).read_bytes()))
        files[model] = str(path)
    place(files, folder)
    return files


def python_for(peer: str, given: dict[str, str]) -> str | None:
    """The interpreter of a program's environment."""
    from environments import PEERS, python_of

    if peer == "mien":
        return sys.executable
    return given.get(peer) or python_of(PEERS / f"video-{peer}", REQUIREMENTS[peer])


def start(peer: str, python: str, files: dict[str, str], folder: Path) -> subprocess.Popen[str]:
    """The child process, loaded when it answers the first line."""
    command = [python, "-P", str(HERE / "video_speed.py"), "--serve", peer, json.dumps(files)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment(folder), bufsize=1
    )


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {"DEEPFACE_HOME": str(folder), "DEEPFACE_BACKEND_ENGINE": "onnx"}


def ask(child: subprocess.Popen[str]) -> list[float]:
    """One pass over the clip: frames, seconds, seconds of processor time."""
    assert child.stdin and child.stdout
    child.stdin.write("\n")
    while line := child.stdout.readline():
        if line.startswith("["):
            found: list[float] = json.loads(line)
            return found
    raise SystemExit("A program ended; see above.")


def main() -> None:
    """Measure all, in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default="opencv,deepface")
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PATH", help="its own Python")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve[0], json.loads(arguments.serve[1]))
        return
    given = dict(item.split("=", 1) for item in arguments.python)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = prepare(arguments, folder)
        children = {}
        for peer in ("mien", *arguments.peers.split(",")):
            if python := python_for(peer, given):
                children[peer] = start(peer, python, files, folder)
        passes: dict[str, list[list[float]]] = {peer: [] for peer in children}
        for number in range(arguments.rounds + 1):
            for peer, child in children.items():
                result: Any = ask(child)
                if number:  # the first pass warms up
                    passes[peer].append(result)
    rates = {peer: statistics.median(frames / seconds for frames, seconds, _ in done) for peer, done in passes.items()}
    print(f"{arguments.seconds:g} s of 1280 x 720 H.264 at 25 frames/s, two faces; {os.cpu_count()} cores.\n")
    print("| program | frames/s | mien is faster by | processor time a frame |\n|---|---|---|---|")
    for peer, rate in rates.items():
        cpu = statistics.median(used / frames for frames, _, used in passes[peer])
        print(f"| {peer} | {rate:.1f} | {rates['mien'] / rate:.2f} | {cpu * 1000:.1f} ms |")


if __name__ == "__main__":
    main()
