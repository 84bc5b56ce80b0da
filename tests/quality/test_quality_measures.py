"""Limits, verdicts and reasons on built faces; no weights."""

from __future__ import annotations

import dataclasses
import json
import math

import cv2
import numpy as np
import pytest

from mien.align.similarity import ARCFACE_112
from mien.align.view import FaceView
from mien.errors import SettingsError
from mien.face import Box, Detection, Eyes, FaceMesh, Failed, HeadPose, Measure, Quality
from mien.image import open_photo
from mien.quality.components import COMPONENTS
from mien.quality.measures import QualityMeter, judge
from mien.quality.profiles import DOCUMENT, DOOR, Limit, Profile
from mien.quality.sample import Sample
from mien.quality.score import HINGES, unified_score
from mien.quality.surface import LEFT_EYE_AND_BROW, LIPS, RIGHT_EYE_AND_BROW, SKIN_REFERENCE

SIDE = 400
SCALE = 2.0
SHIFT = 88.0
FIXED = {33: (32, 52), 133: (44, 52), 362: (68, 52), 263: (80, 52)}
FIXED |= {168: (56, 50), 152: (56, 115), 234: (17, 62), 454: (95, 62)}


def face(side_light: float = 1.0) -> np.ndarray:
    """A skin-coloured picture with eyes, mouth and fine texture; the image's right half is lit by `side_light`."""
    random = np.random.default_rng(7)
    pixels = np.full((SIDE, SIDE, 3), (190, 140, 115), np.float32)
    pixels += cv2.GaussianBlur(random.normal(0, 60, (SIDE, SIDE)).astype(np.float32), (0, 0), 2)[:, :, None]
    for x, y in ((38, 52), (74, 52), (56, 92)):
        centre = (round(x * SCALE + SHIFT), round(y * SCALE + SHIFT))
        cv2.ellipse(pixels, centre, (14, 7), 0, 0, 360, (50, 30, 30), -1)
    pixels[:, SIDE // 2 :] *= side_light
    return pixels.clip(0, 255).astype(np.uint8)


def mesh(**change: object) -> FaceMesh:
    """A frontal mesh over `face`; keyword arguments replace fields."""
    turn = np.arange(468) * 2.399963
    radius = np.sqrt(np.arange(468) / 468)
    points = np.stack([56 + 38 * radius * np.cos(turn), 68 + 47 * radius * np.sin(turn), 0 * turn], axis=1)
    eyes = [(RIGHT_EYE_AND_BROW, (38, 50)), (LEFT_EYE_AND_BROW, (74, 50))]
    places = [*eyes, (LIPS, (56, 92)), (SKIN_REFERENCE, (56, 70))]
    for indices, centre in places:
        for step, index in enumerate(indices):
            angle = 2 * math.pi * step / len(indices)
            points[index, :2] = np.array(centre) + np.array([9 * math.cos(angle), 6 * math.sin(angle)])
    for index, place in FIXED.items():
        points[index, :2] = place
    points[:, :2] = points[:, :2] * SCALE + SHIFT
    whole = FaceMesh(
        points=points.astype(np.float32),
        irises=np.zeros((2, 5, 2), np.float32),
        presence=1.0,
        pose=HeadPose(0, 0, 0),
        eyes=Eyes(0.3, 0.3, 0, 0),
        mouth_openness=0.02,
    )
    return dataclasses.replace(whole, **change)


def view(pixels: np.ndarray, scale: float = SCALE, shift: float = SHIFT) -> FaceView:
    landmarks = (ARCFACE_112 * scale + shift).astype(np.float32)
    return FaceView(open_photo(pixels), Detection(Box(shift, shift, 112 * scale, 112 * scale), 0.96, landmarks))


def quality(pixels: np.ndarray, of: FaceMesh | Failed, profile: Profile = DOOR) -> dict[str, Measure]:
    result = QualityMeter(profile)(view(pixels), of)
    assert isinstance(result, Quality)
    return {measure.name: measure for measure in result.measures}


def test_a_good_face_passes_the_door():
    assert [measure.reason for measure in quality(face(), mesh()).values() if not measure.passed] == []


def test_reason_says_found_and_needed():
    limit = Limit("inter_eye_distance", 60, None)
    assert judge(limit, 38.2, "").reason == "38 px between the eyes, 60 needed"
    assert judge(limit, 72.0, "").reason == "72 px between the eyes (at least 60)"


def test_reason_never_says_that_60_is_less_than_60():
    assert judge(Limit("inter_eye_distance", 60, None), 59.8, "").reason == "59.8 px between the eyes, 60.0 needed"
    assert judge(Limit("yaw", -30, 30), -30.2, "").reason.startswith("head turned 30.2°")


@pytest.mark.parametrize(
    ("angle", "value", "words"),
    [
        ("yaw", 34.0, "head turned 34° towards the image's left, at most 30 allowed"),
        ("yaw", -34.0, "head turned 34° towards the image's right, at most 30 allowed"),
        ("pitch", 40.0, "head tipped 40° downwards, at most 25 allowed"),
        ("roll", -50.0, "head tilted 50° anticlockwise, at most 35 allowed"),
    ],
)
def test_pose_beyond_its_limit_fails_with_its_direction(angle, value, words):
    pose = HeadPose(**{f"{name}_degrees": value if name == angle else 0.0 for name in ("yaw", "pitch", "roll")})
    measured = quality(face(), mesh(pose=pose))
    assert measured[angle].reason == words
    assert [name for name, measure in measured.items() if not measure.passed] == [angle]


def test_one_shut_eye_and_an_open_mouth_fail():
    measured = quality(face(), mesh(eyes=Eyes(0.3, 0.02, 0, 0), mouth_openness=0.8))
    assert not measured["eyes_open"].passed and "shut" in measured["eyes_open"].reason
    assert not measured["mouth_closed"].passed and "mouth open" in measured["mouth_closed"].reason


@pytest.mark.parametrize(
    ("spoilt", "name"),
    [
        (lambda pixels: (pixels * 0.08).astype(np.uint8), "luminance"),
        (lambda pixels: np.full_like(pixels, 255), "over_exposure"),
        (lambda pixels: (pixels * 0.03 + 120).astype(np.uint8), "contrast"),
        (lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 8), "sharpness"),
    ],
)
def test_spoilt_pixels_fail_their_measure(spoilt, name):
    assert not quality(spoilt(face()), mesh())[name].passed


def test_light_from_one_side_fails():
    assert not quality(face(side_light=0.3), mesh())["illumination_uniformity"].passed


def test_a_blue_mask_covers_the_face():
    covered = face()
    covered[SIDE // 2 + 30 :] = (40, 80, 220)
    assert quality(covered, mesh())["uncovered"].value < quality(face(), mesh())["uncovered"].value - 25
    assert not quality(covered, mesh(), Profile("mask", (Limit("uncovered", 75, None),)))["uncovered"].passed


def test_enlarging_a_small_face_does_not_make_it_sharp():
    small = cv2.resize(face(), (50, 50), interpolation=cv2.INTER_AREA)
    sharp = Sample(view(face()), Failed("landmark", "none"))
    blurred = Sample(view(small, SCALE / 8, SHIFT / 8), Failed("landmark", "none"))
    measure = COMPONENTS["sharpness"].measure
    assert measure(blurred) < 0.5 * measure(sharp)


def test_a_face_cut_by_the_edge_fails():
    cut = np.ascontiguousarray(face()[:, 200:])
    shifted = mesh()
    points = shifted.points - np.array([200, 0, 0], np.float32)
    landmarks = (ARCFACE_112 * SCALE + SHIFT - [200, 0]).astype(np.float32)
    one = FaceView(open_photo(cut), Detection(Box(-112, 88, 224, 224), 0.9, landmarks))
    result = QualityMeter()(one, dataclasses.replace(shifted, points=points))
    assert isinstance(result, Quality)
    measured = {measure.name: measure for measure in result.measures}
    assert measured["face_in_picture"].value == pytest.approx(50, abs=10)
    assert "cut off" in measured["head_in_picture"].reason and not measured["head_in_picture"].passed


@pytest.mark.parametrize("of", [Failed("landmark", "no points."), mesh(presence=0.2)])
def test_without_a_mesh_nothing_that_needs_it_passes(of):
    measured = quality(face(), of)
    for name in ("yaw", "pitch", "roll", "eyes_open", "mouth_closed", "uncovered", "head_in_picture"):
        assert math.isnan(measured[name].value) and not measured[name].passed
        assert "cannot be measured" in measured[name].reason
    assert not measured["face_presence"].passed
    assert measured["luminance"].passed and measured["inter_eye_distance"].passed


def test_json_has_null_for_what_was_not_measured():
    result = QualityMeter()(view(face()), Failed("landmark", "no points."))
    values = {item["name"]: item["value"] for item in json.loads(result.to_json())["measures"]}
    assert values["yaw"] is None and values["luminance"] > 0


def test_points_that_coincide_fail():
    detection = Detection(Box(0, 0, 10, 10), 0.9, np.ones((5, 2), np.float32))
    assert isinstance(QualityMeter()(FaceView(open_photo(face()), detection), mesh()), Failed)


def test_an_unknown_measure_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match=r"beauty.*inter_eye_distance"):
        QualityMeter(Profile("mine", (Limit("beauty", 1, None),)))


@pytest.mark.parametrize("profile", [DOOR, DOCUMENT])
def test_profiles_name_each_measure_once_with_a_source(profile):
    names = [limit.measure for limit in profile.limits]
    assert len(names) == len(set(names)) and set(names) <= set(COMPONENTS)
    assert all(limit.source and (limit.low, limit.high) != (None, None) for limit in profile.limits)


def test_document_asks_for_an_even_background():
    uneven = face()
    uneven[:, :60] = (20, 90, 30)
    plain, busy = (quality(pixels, mesh(), DOCUMENT)["background_unevenness"] for pixels in (face(), uneven))
    assert busy.value > plain.value + 10 and not busy.passed


def test_each_hinge_lowers_the_score_and_nan_lowers_it_most():
    best = {hinge.measure: hinge.knee for hinge in HINGES}
    best |= {"sharpness": 40.0, "luminance": 50.0, "detection": 0.96}
    assert unified_score(best) == 100
    for hinge in HINGES:
        worse = best | {hinge.measure: hinge.knee + hinge.side * hinge.worst / 2}
        assert unified_score(best | {hinge.measure: math.nan}) < unified_score(worse) < 100
