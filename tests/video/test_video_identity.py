"""Who a track is: fused, asked seldom, and never at a larger error rate than a single photo."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from tests.gallery.made_up_people import DIM, calibration, directions, near, template

from mien.errors import EmbeddingMismatch
from mien.face import Embedding
from mien.gallery.asking import Ask
from mien.gallery.gallery import Consent, Gallery, GalleryPolicy, Profile
from mien.gallery.place import create_records
from mien.gallery.store.master import MasterKey
from mien.settings import Settings
from mien.video.identity import MOST_SHOTS, IdentityJudge, TrackShot, chosen, fused
from mien.video.moment import TrackIdentity

MASTER = MasterKey(bytes(range(32)), "a test")
CONSENT = Consent("herself", datetime(2024, 1, 1, tzinfo=UTC), "the door", "form", datetime(2200, 1, 1, tzinfo=UTC))
ANNA, BEN, CARL = directions(3)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    """Anna and Ben, by one template each: the direction itself."""
    place = str(tmp_path / "gallery")
    create_records(place, "net@1", DIM, GalleryPolicy(), MASTER).close()
    settings = Settings(data_dir=tmp_path / "none", cache_dir=tmp_path / "none")
    with Gallery(place, settings, master=MASTER, calibration=calibration()) as made:
        made.add_people(
            (Profile(name, consent=CONSENT), [template(who)]) for name, who in (("Anna", ANNA), ("Ben", BEN))
        )
        yield made


def look(direction: np.ndarray, cosine: float, seed: int) -> Embedding:
    """One look at somebody's face."""
    return Embedding(near(direction, cosine, seed), "net@1")


def said(judge: IdentityJudge, track: int = 1) -> TrackIdentity:
    found = judge.verdict(track)
    assert found is not None
    return found


def test_before_the_first_shot_nothing_is_said(gallery: Gallery) -> None:
    assert IdentityJudge(gallery).verdict(1) is None


def test_one_good_shot_names_somebody(gallery: Gallery) -> None:
    judge = IdentityJudge(gallery)
    judge.add(1, look(ANNA, 0.8, 1), 90)
    found = said(judge)
    assert (found.answer, found.name, found.shots, found.fpir) == ("person", "Anna", 1, 0.01)
    assert found.score == pytest.approx(0.8, abs=1e-3) and found.reasons
    assert found.person_id == gallery.person("Anna").id


def test_several_poor_looks_together_name_somebody(gallery: Gallery) -> None:
    """None of them reaches the threshold by itself."""
    judge = IdentityJudge(gallery)
    judge.add(1, look(ANNA, 0.2, 0), 80)
    assert said(judge).answer == "unknown"
    for seed in range(1, 8):
        judge.add(1, look(ANNA, 0.2, seed), 80)
    assert (said(judge).answer, said(judge).name, said(judge).shots) == ("person", "Anna", 8)


def test_a_stranger_is_unknown_and_a_poor_one_is_not_decided(gallery: Gallery) -> None:
    judge = IdentityJudge(gallery)
    judge.add(1, look(CARL, 0.9, 1), 80)
    judge.add(2, look(CARL, 0.9, 1), 20)
    assert (said(judge, 1).answer, said(judge, 1).name) == ("unknown", None)
    assert said(judge, 2).answer == "inconclusive" and "too poor" in said(judge, 2).reasons[0]


def test_whom_the_reasons_name_is_told_by_id_too(gallery: Gallery) -> None:
    """So that a service can say on record whose names it showed."""
    (twin,) = gallery.add_people([(Profile("Bea", consent=CONSENT), [template(near(ANNA, 0.99, 3))])])
    judge = IdentityJudge(gallery)
    judge.add(1, look(ANNA, 0.8, 1), 90)
    judge.add(2, look(BEN, 0.8, 1), 90)
    found = said(judge)
    assert (found.answer, found.person_id) == ("inconclusive", None)
    assert "Anna" in found.reasons[-1] and "Bea" in found.reasons[-1]
    assert found.mentions == tuple(sorted((gallery.person("Anna").id, twin)))
    assert said(judge, 2).answer == "person" and said(judge, 2).mentions == ()


def test_the_better_shot_weighs_more(gallery: Gallery) -> None:
    good, poor = TrackShot(ANNA, 90.0), TrackShot(BEN, 10.0)
    mean = fused([good, poor])
    assert mean.vector @ ANNA == pytest.approx(9 / math.sqrt(82), abs=1e-5)
    assert mean.length == pytest.approx(math.sqrt(0.82), abs=1e-5)
    assert np.linalg.norm(mean.vector) == pytest.approx(1, abs=1e-6)


def test_what_averaging_gains_for_strangers_is_taken_off(gallery: Gallery) -> None:
    judge = IdentityJudge(gallery)
    shots = [look(ANNA, 0.2, seed) for seed in range(8)]
    for shot in shots:
        judge.add(1, shot, 80)
    mean = np.mean([shot.vector for shot in shots], axis=0)
    length = float(np.linalg.norm(mean))
    assert said(judge).score == pytest.approx(float(mean @ ANNA) / length * math.sqrt(length), abs=2e-3)


def test_a_person_that_the_correction_rules_out_is_unknown(gallery: Gallery) -> None:
    """Two looks of which only the mean, at full length, would reach the threshold."""
    threshold = gallery.identify_vectors(ANNA[None])[0].threshold
    assert threshold is not None
    judge = IdentityJudge(gallery)
    one = look(ANNA, threshold * 1.05 / math.sqrt(2), 1)
    away = one.vector - (one.vector @ ANNA) * ANNA
    turned = np.asarray((one.vector @ ANNA) * ANNA + near_right_angle(away), np.float32)
    judge.add(1, one, 80)
    judge.add(1, Embedding(turned, "net@1"), 80)
    found = said(judge)
    assert found.answer == "unknown" and found.person_id is None
    assert "Fused of 2 shots" in found.reasons[-1]


def near_right_angle(vector: np.ndarray) -> np.ndarray:
    """A vector of the same length at a right angle to it and to Anna."""
    other = np.random.default_rng(9).normal(size=DIM)
    for axis in (ANNA, vector / np.linalg.norm(vector)):
        other -= (other @ axis) * axis
    return np.asarray(other / np.linalg.norm(other) * np.linalg.norm(vector))


def test_the_gallery_is_asked_only_when_something_changed(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    original = gallery.identify_vectors
    monkeypatch.setattr(gallery, "identify_vectors", lambda *some: asked.append(1) or original(*some))
    judge = IdentityJudge(gallery)
    judge.add(1, look(ANNA, 0.9, 1), 80)
    first = said(judge)
    for _ in range(10):
        assert said(judge) is first
    assert len(asked) == 1
    judge.add(1, look(ANNA, 0.9, 1), 60)
    assert said(judge) is first, "a poorer shot of the same moment"
    judge.add(1, look(ANNA, 0.8, 2), 80)
    assert said(judge).shots == 2 and len(asked) == 2


def test_people_who_come_and_go_while_the_camera_runs(gallery: Gallery) -> None:
    judge = IdentityJudge(gallery)
    judge.add(1, look(CARL, 0.9, 1), 80)
    assert said(judge).answer == "unknown"
    gallery.add_people([(Profile("Carl", consent=CONSENT), [template(CARL)])])
    assert said(judge).name == "Carl"
    gallery.change("Carl", name="Karl")
    assert said(judge).name == "Karl"
    gallery.remove("Karl")
    assert (said(judge).answer, said(judge).name) == ("unknown", None)


def test_tracks_do_not_mix_and_are_forgotten(gallery: Gallery) -> None:
    judge = IdentityJudge(gallery)
    judge.add(1, look(ANNA, 0.9, 1), 80)
    judge.add(2, look(BEN, 0.9, 2), 80)
    assert (said(judge, 1).name, said(judge, 2).name) == ("Anna", "Ben")
    judge.forget(1)
    judge.forget(7)
    assert judge.verdict(1) is None and said(judge, 2).name == "Ben"


def test_embeddings_of_another_model_are_refused(gallery: Gallery) -> None:
    with pytest.raises(EmbeddingMismatch, match="net@1"):
        IdentityJudge(gallery).add(1, Embedding(ANNA, "other@2"), 80)


def test_unmeasured_quality_counts_little(gallery: Gallery) -> None:
    judge = IdentityJudge(gallery, Ask(min_quality=0.0))
    judge.add(1, look(ANNA, 0.9, 1), float("nan"))
    assert said(judge).name == "Anna"


def test_shots_are_few_good_and_different() -> None:
    kept: tuple[TrackShot, ...] = ()
    for seed in range(3 * MOST_SHOTS):
        kept = chosen(kept, TrackShot(near(ANNA, 0.7, seed), float(seed)))
    assert len(kept) == MOST_SHOTS
    assert min(one.quality for one in kept) >= MOST_SHOTS
    twin = TrackShot(kept[0].vector, kept[0].quality + 10)
    assert len(chosen(kept, twin)) == MOST_SHOTS and twin in chosen(kept, twin)
    assert chosen(kept, TrackShot(kept[0].vector, kept[0].quality + 1)) is kept


def test_several_threads_may_ask(gallery: Gallery) -> None:
    judge = IdentityJudge(gallery)

    def work(track: int) -> None:
        for seed in range(10):
            judge.add(track, look(ANNA if track % 2 else BEN, 0.8, seed), 80)
            judge.verdict(track)

    threads = [Thread(target=work, args=(track,)) for track in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [said(judge, track).name for track in range(4)] == ["Ben", "Anna", "Ben", "Anna"]
