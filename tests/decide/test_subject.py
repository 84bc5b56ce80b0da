from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.decide.subject import Subject, subject_of, unfit
from mien.face import NOT_ASKED, Box, Detection, Embedding, Face, Failed, Measure, Quality


def face(side: float = 100.0, score: float = 80.0) -> Face:
    blurred = Measure("sharpness", 0.1, "", 0.5, None, score >= 50, "blurred")
    detection = Detection(Box(3, 4, side, side), 0.9, np.zeros((5, 2), np.float32))
    vector = np.array([1, 0], np.float32)
    return Face(detection, quality=Quality(score, (blurred,)), embedding=Embedding(vector, "net@1"))


def test_one_face_or_one_that_dwarfs_the_others() -> None:
    large, middling, small = face(100), face(51), face(50)
    assert subject_of(()) == Subject(None, ("No face was found in the photo.",))
    assert subject_of((large,)) == Subject(large)
    clear = subject_of((large, small), "first photo", "compared")
    said = "The first photo shows 2 faces; the largest was compared (100 x 100 px at 3,4)."
    assert clear == Subject(large, (), (said,))
    unclear = subject_of((large, middling, small))
    assert unclear.face is large and unclear.notes == ()
    assert "3 faces" in unclear.doubts[0] and "crop the photo" in unclear.doubts[0]


def test_a_good_face_is_fit_up_to_the_quality_asked_for() -> None:
    assert unfit(face()) == () and unfit(face(score=50.0)) == ()
    assert unfit(face(score=31.0), 30.0) == ()
    assert unfit(face(score=31.0)) == ("The face is too poor (31 of 100, 50 needed): blurred.",)
    poor = unfit(face(), 81.0, "second photo")
    assert poor == ("The face in the second photo is too poor (80 of 100, 81 needed): see its measures.",)


def test_what_is_missing_is_said() -> None:
    tiny = Failed("tiny", "It is tiny.")
    assert unfit(replace(face(), embedding=tiny)) == ("The face has no embedding: It is tiny.",)
    assert unfit(replace(face(), quality=NOT_ASKED, embedding=NOT_ASKED)) == (
        "The face has no embedding: it was not asked for.",
        "The quality of the face is unknown: it was not asked for.",
    )
