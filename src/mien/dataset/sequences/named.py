"""Sets whose file names say everything: CK+ as stills, RAVDESS, CREMA-D."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mien.dataset.listing import PICTURES, folders_in
from mien.dataset.sequences.clip import CLIPS
from mien.dataset.sequences.listed import Listed

CKPLUS: Final = re.compile(r"(S\d+)_(\d+)_(\d+)")
# Modality, vocal channel, emotion, intensity, statement, repetition, actor (Livingstone and Russo, PLOS ONE, 2018).
RAVDESS: Final = re.compile(r"(0[1-3])-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-(\d\d)")
RAVDESS_CLASSES: Final = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
RAVDESS_WITH_SOUND, RAVDESS_SOUND_ALONE = "01", "03"
# The actors of each fold, as usual in the field for the video-only task.
RAVDESS_FOLDS: Final = (
    (2, 5, 14, 15, 16), (3, 6, 7, 13, 18), (10, 11, 12, 19, 20), (8, 17, 21, 23, 24), (1, 4, 9, 22),
)  # fmt: skip
# Actor, sentence, emotion, level (Cao et al., IEEE Transactions on Affective Computing 5, 2014).
CREMAD: Final = re.compile(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_(LO|MD|HI|XX|X)", re.IGNORECASE)
CREMAD_CLASSES: Final = {
    "ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happiness", "NEU": "neutral", "SAD": "sadness",
}  # fmt: skip


def ckplus_stills(path: Path) -> list[Listed] | None:
    """CK+ as pictures: `<class>/S<subject>_<sequence>_<frame>.png`. None where any picture is named otherwise."""
    found: dict[tuple[str, str, str], list[tuple[int, Path]]] = defaultdict(list)
    for folder in folders_in(path):
        for picture in sorted(folder.iterdir()):
            if picture.suffix.lower() not in PICTURES or picture.name[0] == ".":
                continue
            name = CKPLUS.fullmatch(picture.stem)
            if name is None:
                return None
            found[name[1], name[2], folder.name].append((int(name[3]), picture))
    return [
        Listed(
            name=f"{label}/{subject}_{sequence}",
            label=label,
            files=tuple(picture for _, picture in sorted(frames)),
            subject=subject,
            numbers=tuple(number for number, _ in sorted(frames)),
        )
        for (subject, sequence, label), frames in sorted(found.items())
    ] or None


def ravdess(path: Path) -> list[Listed] | None:
    """RAVDESS, anywhere below `path`: speech and song, with the picture; of a take with and without sound, one.

    Subjects are the actors, parts the five folds of actors.
    """
    takes: dict[str, tuple[Path, re.Match[str]]] = {}
    for clip, name in _named(path, RAVDESS):
        if name[1] == RAVDESS_SOUND_ALONE:
            continue
        take = clip.stem.partition("-")[2]
        if take not in takes or name[1] == RAVDESS_WITH_SOUND:
            takes[take] = clip, name
    fold_of = {actor: str(place) for place, actors in enumerate(RAVDESS_FOLDS, 1) for actor in actors}
    return [
        Listed(
            name=clip.relative_to(path).as_posix(),
            label=RAVDESS_CLASSES[int(name[3]) - 1],
            files=(clip,),
            subject=name[7],
            part=fold_of.get(int(name[7]), ""),
        )
        for _, (clip, name) in sorted(takes.items())
    ] or None


def crema_d(path: Path) -> list[Listed] | None:
    """CREMA-D, anywhere below `path`, by the emotion that was acted. Subjects are the actors."""
    return [
        Listed(clip.relative_to(path).as_posix(), CREMAD_CLASSES[name[3].upper()], (clip,), name[1])
        for clip, name in _named(path, CREMAD)
        if name[3].upper() in CREMAD_CLASSES
    ] or None


def _named(path: Path, pattern: re.Pattern[str]) -> Iterator[tuple[Path, re.Match[str]]]:
    for clip in sorted(path.rglob("*")):
        if clip.suffix.lower() in CLIPS and (name := pattern.fullmatch(clip.stem)):
            yield clip, name
