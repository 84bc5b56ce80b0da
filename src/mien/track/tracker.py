"""`Tracker`: detections in, tracks out, frame by frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from mien.face import Box, Detection
from mien.record import Record
from mien.track.assignment import load_assign
from mien.track.associate import pair
from mien.track.body import Body, moved
from mien.track.motion import Motion
from mien.track.people import People
from mien.track.policy import TrackPolicy
from mien.track.recognise import Recogniser
from mien.track.sight import Look, Sight

__all__ = ["Look", "Seen", "TrackPolicy", "Tracker", "Update"]

# Searches by whose spacing a slow source is known.
SPACINGS: Final = 5
# A pause of so many searches is one missed search.
ONE_MISSED: Final = 2.5


@dataclass(frozen=True, slots=True, eq=False)
class Seen(Record):
    """A track in one frame.

    predicted: its face was not found, or not looked for; the detection is the last one, where motion says. index: which
    of the frame's detections it is, None where it is predicted.
    """

    track: int
    detection: Detection
    predicted: bool
    index: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Update(Record):
    """What one frame changed: numbers of tracks, from 1.

    seen: by number. started, ended: with this frame. returned: ended tracks that came back under their old number.
    """

    seen: tuple[Seen, ...] = ()
    started: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()
    returned: tuple[int, ...] = ()


class Tracker:
    """Follows the faces of one video. Not thread-safe: one thread, frames in order. The same input, the same tracks.

    Raises ExtraMissing without scipy.
    """

    def __init__(self, policy: TrackPolicy | None = None) -> None:
        self.policy = policy or TrackPolicy()
        self._assign = load_assign()
        self._people = People(self.policy)
        self._recogniser = Recogniser(self.policy, self._people, self._assign)
        self._bodies: list[Body] = []
        self._spacings: deque[float] = deque(maxlen=SPACINGS)
        self._now = self._searched = self._passed = 0.0
        self._started = False

    def update(
        self, time_seconds: float, detections: Sequence[Detection], look: Look, cut: bool = False, fresh: bool = True
    ) -> Update:
        """Take in one frame.

        look: called for few of the detections, where motion leaves a doubt, and about once a second for each face.
        cut: the picture jumped: from here on motion says nothing. fresh: False where faces were not looked for in this
        frame; `detections` is ignored then. Raises ValueError where time runs backwards.
        """
        if self._started and time_seconds < self._now:
            raise ValueError(f"A frame at {time_seconds} s cannot follow one at {self._now} s.")
        self._advance(time_seconds, fresh)
        if cut:
            self._bodies.clear()
            self._people.scatter()
        ended = self._people.expire(time_seconds, self._stretched(self.policy.lost_seconds))
        self._bodies = [body for body in self._bodies if body.person is None or not body.person.ended]
        started, returned = self._search(Sight(detections, look, self.policy.min_look_px), cut) if fresh else ([], [])
        return Update(self._seen(fresh), tuple(started), ended, tuple(returned))

    def expected(self, time_seconds: float) -> tuple[tuple[int, Box], ...]:
        """Where each open track's face is thought to be; those of number 0 are not confirmed yet."""
        known = [(one.track, one.ahead(time_seconds)) for one in self._people.open]
        after = time_seconds - self._searched
        new = [(0, body.motion.ahead(after).box) for body in self._bodies if body.person is None]
        return (*((track, motion.box) for track, motion in known if motion), *new)

    def end(self) -> tuple[int, ...]:
        """End all tracks that are open, and say which these were."""
        self._bodies.clear()
        return self._people.end_all()

    def _advance(self, time_seconds: float, fresh: bool) -> None:
        """Take note of the time, and of how seldom faces are looked for."""
        self._now = time_seconds
        if fresh:
            if self._started:
                self._passed = time_seconds - self._searched
                self._spacings.append(self._passed)
            self._started, self._searched = True, time_seconds

    def _search(self, sight: Sight, cut: bool) -> tuple[list[int], list[int]]:
        """Bring the bodies to this frame's detections; the tracks that started and that returned."""
        now = self._now
        trusted = self._stretched(self.policy.trust_seconds)
        self._bodies = [body for body in self._bodies if now - body.last_seconds <= trusted]
        for body in self._bodies:
            body.motion = body.motion.ahead(self._passed)
        self._move(sight, cut)
        self._recogniser.question(self._bodies, now)
        self._recogniser.settle(self._bodies, sight, now)
        started, returned = self._recogniser.welcome(self._bodies, sight, now)
        self._recogniser.refresh(self._bodies, sight, now)
        for body in self._bodies:
            if body.person and body.seen_now:
                body.person.motion, body.person.last_seconds = body.motion, now
                body.person.detection = body.detection
        return started, returned

    def _move(self, sight: Sight, cut: bool) -> None:
        """Give bodies their detections by motion, and start bodies where none of them is."""
        followed = {body.person.track for body in self._bodies if body.person}
        lost = [one.ahead(self._now) for one in self._people.open if one.track not in followed]
        paired = pair(self._bodies, sight, self._assign, [motion for motion in lost if motion])
        found = dict(paired.pairs)
        for row, body in enumerate(self._bodies):
            body.chances += 1
            body.index = None
            if row in found:
                body.sees(found[row], sight.detections[found[row]], self._now)
            if row in paired.doubtful:
                body.doubt(at_once=row in paired.urgent)
        # Half of the time a flicker is not there.
        self._bodies = [body for body in self._bodies if body.person or 2 * body.sightings >= body.chances]
        self._bodies += self._born(sight, {*found.values()}, cut)

    def _born(self, sight: Sight, taken: set[int], cut: bool) -> list[Body]:
        bodies = []
        for index in sorted(range(len(sight.detections)), key=lambda one: -sight.detections[one].score):
            if index in taken or taken & {*sight.doubles(index)}:
                continue
            taken.add(index)
            one = sight.detections[index]
            bodies.append(Body(one, Motion.start(one.box), self._now, self._now, index, new_scene=cut))
        return bodies

    def _seen(self, fresh: bool) -> tuple[Seen, ...]:
        """The open tracks in this frame, by number."""
        indices = {body.person.track: body.index for body in self._bodies if body.person} if fresh else {}
        shown = self._stretched(self.policy.predict_seconds)
        found = []
        for person in self._people.open:
            index = indices.get(person.track)
            if index is not None:
                found.append(Seen(person.track, person.detection, False, index))
            elif self._now - person.last_seconds <= shown and (motion := person.ahead(self._now)):
                found.append(Seen(person.track, moved(person.detection, motion.box), True, None))
        return tuple(found)

    def _stretched(self, seconds: float) -> float:
        """A patience of the policy, or one missed search where searches are rare."""
        return max(seconds, ONE_MISSED * median(self._spacings)) if self._spacings else seconds
