"""What counts as one track."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrackPolicy:
    """When a face becomes a track, how long it stays one, and what makes two faces one person.

    sightings, confirm_seconds: a face is a track once it was found so often, over at least so long; a detector's
    flicker is not. trust_seconds: a face that was missed no longer is carried on by its motion alone. predict_seconds:
    how long a track whose face is not found is still reported, where motion says. lost_seconds: after so long without
    its face a track ends. return_seconds, remember: for how long, and how many, ended tracks are remembered, to be
    joined where their face comes back. Where faces are looked for seldom, these times are stretched so that
    one search may be missed.

    refresh_seconds: how often a track whose face is well visible is embedded; doubt_seconds: how often one in doubt.
    wait_seconds: how long a new track waits for a good look before it is decided whether it is an old one.

    near_score, far_score: cosines from which two embeddings are one person where motion agrees, and where it says
    nothing (a face that comes back, a cut). other_score: below, and seen `contradictions` times over, they are two. The
    defaults are for SFace: the calibration's thresholds for false match rates of 1e-2 and 1e-4 (of single looks; of
    means up to twice that); another embedder needs its own. min_look_px: a smaller face is not embedded by choice.
    """

    sightings: int = 3
    confirm_seconds: float = 0.2
    trust_seconds: float = 0.3
    predict_seconds: float = 0.5
    lost_seconds: float = 3.0
    return_seconds: float = 600.0
    remember: int = 200
    refresh_seconds: float = 1.0
    doubt_seconds: float = 0.2
    wait_seconds: float = 0.6
    near_score: float = 0.30
    far_score: float = 0.44
    other_score: float = 0.20
    contradictions: int = 3
    min_look_px: float = 24.0
