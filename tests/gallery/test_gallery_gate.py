from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from made_up_people import NOW, Brute, calibration, directions, near

from mien.errors import EmbeddingMismatch
from mien.face import NOT_ASKED, Box, Detection, Embedding, Face, Failed, Measure, Quality
from mien.gallery.errors import ConsentMissing
from mien.gallery.gate import Gate
from mien.gallery.people import Consent
from mien.gallery.store.records import GalleryPolicy

ANNA, BEN, NEW = directions(3)
CONSENT = Consent("Anna", NOW, "the door", "a signed form", NOW + timedelta(days=30))
INDEX = Brute([("anna", ANNA[None]), ("ben", BEN[None])])


def gate(**policy: object) -> Gate:
    return Gate(replace(GalleryPolicy(), **policy), "net@1", calibration(), INDEX, 2)


def face(vector: np.ndarray = NEW, score: float = 80.0, side: float = 100.0) -> Face:
    blurred = Measure("sharpness", 0.1, "", 0.5, None, score >= 50, "blurred")
    detection = Detection(Box(0, 0, side, side), 0.9, np.zeros((5, 2), np.float32))
    return Face(detection, quality=Quality(score, (blurred,)), embedding=Embedding(vector, "net@1"))


def test_a_good_new_face_is_accepted() -> None:
    said = gate()(face(), CONSENT, NOW)
    assert said.accepted and said.reasons == () and said.lookalikes == ()


@pytest.mark.parametrize(
    ("consent", "why"),
    [
        (None, "without a consent record"),
        (replace(CONSENT, purpose=" "), "does not say: purpose"),
        (replace(CONSENT, given_at=NOW + timedelta(days=1)), "in the future"),
        (replace(CONSENT, until=NOW), "ran out on 2026-01-01"),
    ],
)
def test_no_enrolment_without_consent(consent: Consent | None, why: str) -> None:
    with pytest.raises(ConsentMissing, match=why):
        gate()(face(), consent, NOW, allow_duplicate=True)
    assert gate(require_consent=False)(face(), consent, NOW).accepted


def test_a_poor_photo_is_refused_with_its_measures() -> None:
    said = gate()(face(score=31.0), CONSENT, NOW)
    assert not said.accepted
    assert said.reasons == ("The face is too poor (31 of 100, 50 needed): blurred.",)
    assert not gate()(face(score=31.0), CONSENT, NOW, allow_duplicate=True).accepted


def test_what_was_not_measured_is_not_enrolled() -> None:
    said = gate()(replace(face(), quality=NOT_ASKED, embedding=Failed("tiny", "The face is tiny.")), CONSENT, NOW)
    assert not said.accepted and len(said.reasons) == 2 and "The face is tiny." in said.reasons[0]


def test_somebody_enrolled_already_is_named_with_the_rate() -> None:
    said = gate()(face(near(ANNA, 0.56, 1)), CONSENT, NOW)
    assert not said.accepted and [one.person_id for one in said.lookalikes] == ["anna"]
    assert said.lookalikes[0].fmr.value == pytest.approx(10**-5.6, rel=0.1)
    assert "This looks like anna" in said.reasons[0] and "2.5e-06" in said.reasons[0]
    assert "Anna Smith" in said.lookalikes[0].sentence("Anna Smith")
    assert gate()(face(near(ANNA, 0.45, 1)), CONSENT, NOW).accepted, "below the policy's rate"


def test_a_duplicate_can_be_allowed_and_a_persons_own_photo_is_none() -> None:
    again = face(near(ANNA, 0.8, 1))
    said = gate()(again, CONSENT, NOW, allow_duplicate=True)
    assert said.accepted and said.lookalikes and "This looks like anna" in said.notes[0]
    assert gate()(again, CONSENT, NOW, same_as="anna").lookalikes == ()


def test_without_a_calibration_it_says_that_duplicates_were_not_sought() -> None:
    said = replace(gate(), calibration=None)(face(ANNA), CONSENT, NOW)
    assert said.accepted and "Duplicates were not sought" in said.notes[0]


def test_another_model_is_an_error() -> None:
    with pytest.raises(EmbeddingMismatch):
        gate()(replace(face(), embedding=Embedding(NEW, "other@2")), CONSENT, NOW)
