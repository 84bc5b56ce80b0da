from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.evaluate.pairs import Pair, PairList
from mien.evaluate.scores import count_scores, genuine_pairs, impostor_pairs, n_impostor_pairs
from mien.evaluate.templates import Missing, Templates
from mien.evaluate.verification import accuracy, all_pairs, photos_to_judge, verify

Made = Callable[..., Templates]


def pairs_of(templates: Templates, people: range) -> tuple[Pair, ...]:
    """One genuine and one impostor pair a person, from the second photo on the next person's first."""
    paths = templates.paths
    same = [Pair(paths[2 * person], paths[2 * person + 1], True) for person in people]
    return (*same, *(Pair(paths[2 * person], paths[2 * person + 2], False) for person in people))


def test_separable_people_are_all_judged_right(made_up: Made) -> None:
    templates = made_up(100, noise=0.2)
    judged = PairList((pairs_of(templates, range(40)), pairs_of(templates, range(40, 80))))
    result = accuracy(judged, templates)
    assert result.value.value == 1.0
    assert result.standard_error == 0.0
    assert result.misjudged == ()
    assert len(result.thresholds) == 2


def test_the_threshold_never_comes_from_the_judged_fold(made_up: Made) -> None:
    """A fold whose labels are all turned round cannot help itself."""
    templates = made_up(100, noise=0.2)
    turned = tuple(dataclasses.replace(pair, same=not pair.same) for pair in pairs_of(templates, range(40, 80)))
    result = accuracy(PairList((pairs_of(templates, range(40)), turned)), templates)
    assert result.value.value <= 0.5


def test_fitting_on_the_judged_pairs_is_said(made_up: Made) -> None:
    templates = made_up(100)
    judged = PairList((pairs_of(templates, range(40)),))
    assert "optimistic" in accuracy(judged, templates).fitted_on
    fitted = accuracy(judged, templates, fit=PairList((pairs_of(templates, range(40, 80)),)))
    assert "optimistic" not in fitted.fitted_on


def test_a_pair_without_embedding_is_an_error(made_up: Made) -> None:
    templates = made_up(100, noise=0.2)
    lost = Pair(templates.paths[0], Path("people/0/lost.jpg"), True)
    never = Pair(templates.paths[0], Path("people/9/lost.jpg"), False)
    result = accuracy(PairList(((*pairs_of(templates, range(40)), lost, never),)), templates)
    assert result.no_embedding == 2
    assert {one.pair for one in result.misjudged} == {lost, never}
    assert result.value.value == pytest.approx(80 / 82)


def test_rates_over_all_pairs_agree_with_a_plain_count(made_up: Made) -> None:
    templates = made_up(400, noise=1.0)
    report = all_pairs(templates)
    assert (report.n_genuine, report.n_impostor) == (400, n_impostor_pairs(templates))
    impostors = impostor_pairs(templates, -1.0).scores.astype(np.float64)
    genuine = genuine_pairs(templates).scores.astype(np.float64)
    for point in report.points:
        assert (impostors >= point.threshold).mean() <= point.fmr
        assert (impostors >= point.threshold).mean() == pytest.approx(point.fmr, abs=2 / len(impostors))
        assert point.fnmr.value == pytest.approx((genuine < point.threshold).mean())
        assert point.fnmr.low <= point.fnmr.value <= point.fnmr.high
    assert [point.counted for point in report.points] == [True, False, False]


def test_equal_error_rate_balances_both_errors(made_up: Made) -> None:
    templates = made_up(200, noise=1.5)
    report = all_pairs(templates)
    missed = (genuine_pairs(templates).scores < report.eer_threshold).mean()
    accepted = (impostor_pairs(templates, -1.0).scores >= report.eer_threshold).mean()
    assert missed == pytest.approx(accepted, abs=0.01)
    assert report.eer == pytest.approx((missed + accepted) / 2, abs=0.01)


def test_discarding_bad_quality_lowers_the_misses(made_up: Made) -> None:
    good, bad = made_up(300, noise=0.5, seed=1), made_up(40, noise=2.5, seed=2)
    people = np.concatenate([good.people, bad.people + 300])
    quality = np.concatenate([np.full(600, 80.0), np.full(80, 10.0)]).astype(np.float32)
    paths = tuple(Path(f"p/{index}.jpg") for index in range(680))
    both = Templates(np.concatenate([good.vectors, bad.vectors]), people, paths, quality, "net@1")
    report = verify(both, PairList((pairs_of(both, range(100)),)), None, count_scores(both))
    assert len(report.discard) == 3
    for discard in report.discard:
        assert discard.fnmr_best_nine_tenths < discard.fnmr_all


def test_without_quality_there_is_no_discard(made_up: Made) -> None:
    templates = made_up(100)
    assert verify(templates, PairList((pairs_of(templates, range(40)),)), None, count_scores(templates)).discard == ()


def test_the_report_becomes_json_with_its_paths_as_text(made_up: Made) -> None:
    templates = dataclasses.replace(made_up(100), missing=(Missing(Path("people/1/x.jpg"), "no face found"),))
    lost = Pair(templates.paths[0], Path("people/0/lost.jpg"), True)
    report = verify(templates, PairList(((*pairs_of(templates, range(40)), lost),)), None, count_scores(templates))
    record = json.loads(json.dumps(report.to_dict(), default=str, allow_nan=False))
    assert record["missing"] == [{"path": "people/1/x.jpg", "reason": "no face found"}]
    assert any(one["score"] is None for one in record["accuracy"]["misjudged"])


def test_listed_photos_are_judged_even_where_absent(tmp_path: Path) -> None:
    (tmp_path / "Ann").mkdir()
    (tmp_path / "Ann" / "Ann_0001.jpg").touch()
    absent = tmp_path / "Bo" / "Bo_0001.jpg"
    listed = PairList(((Pair(tmp_path / "Ann" / "Ann_0001.jpg", absent, False),),))
    photos = photos_to_judge(tmp_path, [listed])
    assert photos.paths == (tmp_path / "Ann" / "Ann_0001.jpg", absent)
    assert photos.people == ("Ann", "Bo")
