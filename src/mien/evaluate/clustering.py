"""Grouping measured: do the groups that `mien gallery cluster` makes of photos agree with the people in them?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mien.cluster.metrics import ClusterFigures, cluster_figures
from mien.cluster.people import cluster_people
from mien.decide.calibration import Calibration
from mien.evaluate.templates import Templates
from mien.record import Record


@dataclass(frozen=True, slots=True)
class ClusteringReport(Record):
    """A whole run. figures: photos without a face are in its shares, each as a group of its own, and in no count.

    n_no_face: how many those are. threshold: the mean cosine from which two groups are one person; fmr: what it stands
    for.
    """

    model: str
    calibration_id: str
    fmr: float
    threshold: float
    n_no_face: int
    figures: ClusterFigures
    pairs_f: float
    bcubed_f: float


def evaluate_clustering(people: Templates, calibration: Calibration, fmr: float) -> ClusteringReport:
    """Group the photos of a folder of people without their names, and compare.

    people: each path's folder names who it shows, missing photos too. Raises CalibrationError where `fmr` is not
    supported.
    """
    found = cluster_people(people.vectors, calibration, fmr)
    alone = found.n_people + np.arange(len(people.missing))
    names = [path.parent.name for path in (*people.paths, *(one.path for one in people.missing))]
    who = np.unique(names, return_inverse=True)[1]
    figures = cluster_figures(np.concatenate([found.labels, alone]), who)
    n_faces = len(people.paths)
    return ClusteringReport(
        model=people.model,
        calibration_id=calibration.id,
        fmr=fmr,
        threshold=found.threshold,
        n_no_face=len(people.missing),
        figures=replace(figures, n_faces=n_faces, n_people=len(np.unique(who[:n_faces])), n_groups=found.n_people),
        pairs_f=figures.pairs.f,
        bcubed_f=figures.bcubed.f,
    )
