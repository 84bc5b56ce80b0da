from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_people import NOW, Brute, calibration, directions, near

from mien.analyze import Analyzer
from mien.decide.calibration import Calibration, ErrorRate
from mien.decide.verify import Uncalibrated
from mien.errors import CalibrationError
from mien.evaluate.subject import subject
from mien.face import Embedding
from mien.gallery.fpir import LeftOut, OpenSet, own_people
from mien.gallery.identify import Identifier, IdentifyPolicy, Who, leave_one_out
from mien.gallery.people import Negative, PastAnswer
from mien.gallery.search.index import Index
from mien.settings import Settings

FACES = directions(12)
NAMES = [f"person-{number}" for number in range(10)]


def identifier(n_people: int = 10, **policy: float) -> Identifier:
    people = [(name, FACES[number][None]) for number, name in enumerate(NAMES)]
    return Identifier(Brute(people), OpenSet(calibration(), n_people), "net@1", IdentifyPolicy(**policy))


def test_the_threshold_grows_with_the_gallery() -> None:
    """FMR = 10 ** (-10 score): ten times the people need a score that is 0.1 higher."""
    few, many = OpenSet(calibration(), 10), OpenSet(calibration(), 100)
    assert few.threshold(0.01) == pytest.approx(0.3, abs=0.001)
    assert many.threshold(0.01) - few.threshold(0.01) == pytest.approx(0.1, abs=1e-3)


def test_score_and_rate_are_each_others_inverse() -> None:
    for own in (None, leave_out(factor=1.0), leave_out(factor=5.0), leave_out(factor=0.2)):
        open_set = OpenSet(calibration(), 200, 2.0, own)
        for fpir in (0.5, 0.1, 0.02, 0.005):
            assert open_set.fpir(open_set.threshold(fpir)).value == pytest.approx(fpir, rel=0.15)


def test_more_templates_a_person_cost_more_false_matches() -> None:
    one, four = OpenSet(calibration(), 100), OpenSet(calibration(), 100, 4.0)
    ratio = four.fpir(0.5).value / one.fpir(0.5).value
    assert 2.5 < ratio < 4
    assert four.fpir(0.5).high >= one.fpir(0.5).high * 3.9
    assert four.threshold(0.01) > one.threshold(0.01)


def test_the_rate_that_no_data_support_is_refused_with_one_that_is_supported() -> None:
    open_set = OpenSet(calibration(), 100_000)
    with pytest.raises(CalibrationError, match=r"100,000 people needs a false match rate of 1e-07") as refused:
        open_set.threshold(0.01)
    assert f"Ask for {open_set.smallest_fpir:.2g} or more" in refused.value.cure
    assert open_set.fpir(open_set.threshold(open_set.smallest_fpir)).extrapolated
    for wrong in (0.0, 1.0, -1.0):
        with pytest.raises(CalibrationError):
            open_set.threshold(wrong)


def leave_out(factor: float, n_people: int = 400, seed: int = 0) -> object:
    """Own people whose closest others score as FMR = factor * 10 ** (-10 score) makes them."""
    draws = np.random.default_rng(seed).random(n_people)
    fmr = -np.expm1(np.log1p(-draws) / (n_people - 1))
    scores = np.minimum(-np.log10(fmr / factor) / 10, 0.99)
    found = [LeftOut(f"{i}", f"{(i * 7 + 1) % n_people}", float(score), 1.0) for i, score in enumerate(scores)]
    return own_people(found, n_people - 1)


def test_what_30_pairs_of_look_alikes_say_is_worth() -> None:
    """60 people are each other's closest, two by two: 30 independent pairs, a standard error of 1 / sqrt(30)."""
    found = [LeftOut(f"{i}", f"{i ^ 1}" if i < 60 else "0", 0.9 - i / 1000, 1.0) for i in range(60)]
    found += [LeftOut(f"{i}", f"{i - 1}", 0.1, 1.0) for i in range(60, 120)]
    own = own_people(found, 119)
    assert own.anchor >= 0.84 and own.spread[1] == pytest.approx(np.exp(1.96 * np.sqrt(2 / 30)), rel=0.05)
    pairs = own_people([*found[:30], *(replace(one, score=0.2) for one in found[30:])], 119)
    assert pairs.spread[1] == pytest.approx(np.exp(1.96 / np.sqrt(15)), rel=0.05)


def test_one_person_whom_all_resemble_is_one_event() -> None:
    found = [LeftOut(f"{i}", "0" if i else "1", 0.5 - i / 1000, 1.0) for i in range(200)]
    own = own_people(found, 199)
    assert own.spread[1] > np.exp(1.9) and own.spread[0] == pytest.approx(1 / own.spread[1])


@pytest.mark.parametrize("factor", [5.0, 15.0])
def test_people_who_look_alike_raise_the_threshold(factor: float) -> None:
    """More than chance explains: then the upper end of what was counted is what counts."""
    deep = calibration(smallest=1e-8)
    plain, alike = OpenSet(deep, 400), OpenSet(deep, 400, 1.0, leave_out(factor))
    assert alike.own_factor == pytest.approx(factor, rel=0.45)
    upper = alike.own_factor * alike.own.spread[1]
    for asked in (0.01, 0.003):
        assert alike.threshold(asked) - plain.threshold(asked) == pytest.approx(np.log10(upper) / 10, abs=0.002)
    rate = alike.fpir(0.5)
    assert rate.value == pytest.approx(plain.fpir(0.5).value * upper, rel=0.06)
    assert rate.low < rate.value / alike.own.spread[1] < rate.value <= rate.high
    assert "the upper end of it counts" in alike.based_on


def test_people_who_differ_lower_it_as_far_as_is_sure() -> None:
    plain, unlike = OpenSet(calibration(), 400), OpenSet(calibration(), 400, 1.0, leave_out(0.2))
    upper = unlike.own_factor * unlike.own.spread[1]
    assert unlike.own_factor < 0.3 and 0.3 < upper < 0.6
    assert unlike.threshold(0.01) - plain.threshold(0.01) == pytest.approx(np.log10(upper) / 10, abs=0.002)
    assert unlike.fpir(0.5).high >= plain.fpir(0.5).high, "strangers may be of another kind than those enrolled"


@pytest.mark.parametrize(("factor", "n_people"), [(0.7, 400), (0.2, 200)])
def test_chance_or_too_few_people_never_lower_it(factor: float, n_people: int) -> None:
    plain, unlike = OpenSet(calibration(), n_people), OpenSet(calibration(), n_people, 1.0, leave_out(factor, n_people))
    assert unlike.own_factor < 1
    for fpir in (0.3, 0.05, 0.01):
        assert unlike.threshold(fpir) == pytest.approx(plain.threshold(fpir), abs=0.01)
        assert unlike.threshold(fpir) >= plain.threshold(fpir) - 1e-9


def test_a_large_gallery_answers_where_the_calibration_ends() -> None:
    own = leave_out(1.0, n_people=4000)
    short = calibration(smallest=1e-4)
    with pytest.raises(CalibrationError):
        OpenSet(short, 4000).threshold(0.05)
    open_set = OpenSet(short, 4000, 1.0, own)
    threshold = open_set.threshold(0.05)
    assert threshold == pytest.approx(-np.log10(0.0513 / 4000) / 10, abs=0.02)
    rate = open_set.fpir(threshold)
    assert rate.value == pytest.approx(0.05, rel=0.02) and rate.low < 0.05 < rate.high and not rate.extrapolated
    assert open_set.threshold(0.1) == pytest.approx(-np.log10(0.1054 / 4000) / 10, abs=0.02)
    with pytest.raises(CalibrationError):
        open_set.threshold(1e-4)


def test_too_few_people_have_no_say() -> None:
    people = [(name, FACES[number][None]) for number, name in enumerate(NAMES)]
    assert leave_one_out(Brute(people), people, 10) is None
    assert leave_one_out(Brute([]), [], 0) is None


def test_leaving_out_finds_the_closest_other_person() -> None:
    random = np.random.default_rng(0)
    people = []
    for number in range(60):
        rows = random.normal(size=(1 + number % 2, 16)).astype(np.float32)
        people.append((f"{number}", rows / np.linalg.norm(rows, axis=1, keepdims=True)))
    own = leave_one_out(Brute(people), people, 60)
    assert own is not None and own.n_owners == 60 and own.n_people == 59
    best = max(float((a @ b.T).max()) for i, (_, a) in enumerate(people) for _, b in people[:i])
    assert own.scores[0] == pytest.approx(best) and own.shares[-1] == pytest.approx(1.0)


def test_a_person_or_unknown() -> None:
    ask = identifier()
    mine, stranger = near(FACES[3], 0.7, 1), near(FACES[11], 0.9, 2)
    found, unknown = ask(np.stack([mine, stranger]), top=3)
    assert (found.answer, found.person_id) == (Who.PERSON, "person-3")
    assert found.score == pytest.approx(0.7, abs=1e-5) and found.threshold == pytest.approx(0.3, abs=0.001)
    assert isinstance(found.fpir, ErrorRate) and found.fpir.value < 0.01 and found.calibration_id == "made-up"
    assert found.margin == pytest.approx(found.candidates[0].score - found.candidates[1].score)
    assert len(found.candidates) == 3 and found.reasons
    assert (unknown.answer, unknown.person_id) == (Who.UNKNOWN, None) and "below" in unknown.reasons[0]
    assert json.loads(found.to_json())["answer"] == "person"


def test_the_index_of_the_gallery_gives_the_same_answers() -> None:
    index = Index(FACES.shape[1])
    for number, name in enumerate(NAMES):
        index.put(name, np.array([number]), FACES[number][None])
    probes = np.stack([near(FACES[who], 0.2 + 0.07 * who, who) for who in range(10)])
    plain = identifier()
    for real, brute in zip(replace(plain, index=index)(probes, top=2), plain(probes, top=2), strict=True):
        assert (real.answer, real.person_id) == (brute.answer, brute.person_id)
        assert real.score == pytest.approx(brute.score, abs=1e-3)


def test_templates_of_a_person_are_no_rivals() -> None:
    rows = np.stack([near(FACES[0], 0.9, seed) for seed in range(4)])
    index = Brute([("one", rows), ("two", FACES[1][None])])
    (found,) = Identifier(index, OpenSet(calibration(), 2, 2.5), "net@1")(rows[:1])
    assert found.person_id == "one" and found.margin > 0.5


def test_two_who_are_too_close_to_each_other_are_inconclusive() -> None:
    index = Brute([("one", near(FACES[0], 0.9, 1)[None]), ("two", near(FACES[0], 0.89, 2)[None])])
    ask = Identifier(index, OpenSet(calibration(), 2), "net@1")
    (found,) = ask(FACES[:1])
    assert found.answer is Who.INCONCLUSIVE and found.person_id is None and "enrolled twice" in found.reasons[-1]
    assert replace(ask, policy=IdentifyPolicy(margin=0.005))(FACES[:1])[0].answer is Who.PERSON


def test_doubts_make_it_inconclusive_and_come_first() -> None:
    (found,) = identifier()(FACES[:1], doubts=[("The face is too poor.",)])
    assert found.answer is Who.INCONCLUSIVE and found.reasons[0] == "The face is too poor." and found.score == 1.0


def test_nobody_enrolled_and_no_calibration() -> None:
    (empty,) = Identifier(Brute([]), OpenSet(calibration(), 0), "net@1")(FACES[:1])
    assert empty.answer is Who.UNKNOWN and empty.score is None and empty.threshold is None
    (bare,) = replace(identifier(), open_set=None)(FACES[:1])
    assert bare.answer is Who.INCONCLUSIVE and isinstance(bare.fpir, Uncalibrated) and bare.score == 1.0


def test_fewer_people_behind_a_filter_have_a_lower_threshold() -> None:
    ask = identifier(n_people=1000)
    whole, some = ask(FACES[:1])[0], ask(FACES[:1], n_people=10)[0]
    assert whole.threshold - some.threshold == pytest.approx(0.2, abs=1e-3)


def negative(vector: np.ndarray, person: str = "person-3") -> Negative:
    return Negative(1, person, vector, NOW, "somebody")


def test_a_correction_is_used_from_then_on() -> None:
    ask, wrong = identifier(), near(FACES[3], 0.6, 5)
    corrected = ask.with_negative(negative(wrong))
    again, genuine = near(wrong, 0.9, 6), near(FACES[3], 0.95, 7)
    assert ask(again[None])[0].person_id == "person-3"
    after = corrected(again[None], top=2)[0]
    assert after.answer is Who.UNKNOWN and after.candidates[0].not_this and "correction" in after.reasons[-1]
    assert corrected(genuine[None])[0].person_id == "person-3"
    assert ask.negatives == {}, "the first identifier is as it was"


def test_a_correction_lets_the_next_one_through() -> None:
    probe = 0.8 * FACES[3] + 0.6 * FACES[4]
    ask = identifier(margin=0.0)
    assert ask(probe[None])[0].person_id == "person-3"
    assert ask.with_negative(negative(probe))(probe[None])[0].person_id == "person-4"


def test_a_face_that_is_unlike_the_correction_is_left_alone() -> None:
    """Closer to the correction than to the person, but not the same face as either."""
    ask = identifier().with_negative(negative(near(FACES[3], 0.5, 5)))
    probe = near(FACES[3], 0.35, 9)
    assert ask(probe[None])[0].person_id == "person-3"


def test_replay_lists_the_answers_that_would_change() -> None:
    wrong = near(FACES[3], 0.6, 5)
    vectors = [near(wrong, 0.9, 6), near(FACES[3], 0.95, 7), near(wrong, 0.9, 8)]
    answers = [PastAnswer(i, NOW, one, "person-3", 0.5) for i, one in enumerate(vectors)]
    answers.append(PastAnswer(9, NOW, vectors[0], None, 0.1))
    changed = identifier().replay(answers, negative(wrong))
    assert [(one.answer.id, one.now.answer) for one in changed] == [(0, Who.UNKNOWN), (2, Who.UNKNOWN)]
    assert identifier().replay(answers, negative(wrong, "person-5")) == []


def test_people_and_strangers_on_photos(data: Path, weights: Settings) -> None:
    """Four people of LFW with two photos each and four strangers, on the shipped calibration, at an FPIR of 0.1 %."""
    folders = [one for one in sorted((data / "lfw" / "images").iterdir()) if len(list(one.iterdir())) == 4][:8]
    analyzer = Analyzer(("embed",), weights)

    def vector(path: Path) -> np.ndarray:
        analysis = analyzer.analyze(path)
        face = subject(analysis.faces, analysis.width, analysis.height)
        assert face is not None and isinstance(face.embedding, Embedding)
        return face.embedding.vector

    photos = {one.name: sorted(one.iterdir())[: 3 if place < 4 else 1] for place, one in enumerate(folders)}
    vectors = {name: np.stack([vector(path) for path in paths]) for name, paths in photos.items()}
    enrolled = [name for name, rows in vectors.items() if len(rows) == 3]
    model = analyzer.embedding_model
    calibrated = Calibration.for_model(model, weights)
    index = Brute([(name, vectors[name][:2]) for name in enrolled])
    ask = Identifier(index, OpenSet(calibrated, len(enrolled), 2.0), model, IdentifyPolicy(fpir=1e-3))
    answers = ask(np.stack([rows[-1] for rows in vectors.values()]))
    assert [one.person_id for one in answers] == [name if name in enrolled else None for name in vectors]
