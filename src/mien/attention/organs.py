"""Eyes, mouth and head of one track: each says what it saw, and keeps count."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import dist
from typing import Final

from mien.attention.direction import STRAIGHT, angle_degrees, direction, sight
from mien.attention.lids import SHUT, Lids
from mien.attention.policy import AttentionPolicy, Sign
from mien.attention.spans import Blinks, Run, Shares, Span
from mien.face import FaceMesh

# Shut eyes read unsteadily: they count as open again only below this closure, and a sign survives a short flicker.
OPEN_AGAIN: Final = 0.65
SHUT_BRIDGE_SECONDS: Final = 0.1
MOST_LEARNT_SECONDS: Final = 0.2
# At 25 looks a second the lowest moment of a quick blink falls between two: so much is enough where it is that brief.
HURRIED_CLOSURE: Final = 0.55
HURRIED_SECONDS: Final = 0.3
# With looks further apart, too many blinks fall between them to speak of a rate.
QUICK_SECONDS: Final = 0.11
# A smile narrows eyes until they read as shut: outer width of the mouth over the distance of the outer eye corners.
SMILE_WIDTH: Final = 0.68
MOUTH_CORNERS: Final = (61, 291)
OUTER_EYES: Final = (33, 263)
# The mesh opens a mouth that is seen from the side less far than it is: what is left of it at 30 degrees of yaw.
MOUTH_AT_30_DEGREES: Final = 0.62
STILL_WIDE: Final = 0.7
YAWN_BRIDGE_SECONDS: Final = 0.2
# Directions are unsteady: back is nearer than away by so much, and for so long.
BACK_DEGREES: Final = 5.0
BACK_SECONDS: Final = 0.3
GAZE_HELD_SECONDS: Final = 0.5
HALF_SHUT: Final = 0.5
# A face that turns away is often not found. One that comes back within this time, still away, has been away all along.
UNSEEN_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Tally:
    """How many spans, and how long they are together."""

    count: int
    seconds: float


class Counter:
    """Counts spans, all of them and those that ended lately."""

    def __init__(self, window_seconds: float) -> None:
        self._window = window_seconds
        self._recent: deque[Span] = deque()
        self._count, self._seconds = 0, 0.0

    def add(self, span: Span) -> None:
        """One that has just ended."""
        self._count, self._seconds = self._count + 1, self._seconds + span.seconds
        self._recent.append(span)
        while self._recent[0].end <= span.end - self._window:
            self._recent.popleft()

    def since(self, time: float) -> Tally:
        """Those that ended after `time`, which is -inf or within the window."""
        if time == float("-inf"):
            return Tally(self._count, self._seconds)
        recent = [span.seconds for span in self._recent if span.end > time]
        return Tally(len(recent), sum(recent))


class Organ:
    """What they share: how long the last look is ago, and seconds by state."""

    def __init__(self, policy: AttentionPolicy) -> None:
        self._policy = policy
        self._last: float | None = None
        self._state = ""
        self._shares = Shares(policy.window_seconds)

    def sums(self, now: float, window: float | None) -> dict[str, float]:
        """Seconds by state, of everything where `window` is None."""
        return dict(self._shares.whole) if window is None else self._shares.within(now)

    def _gap(self, time: float) -> float:
        """Seconds since the last look that could be judged."""
        return 0.0 if self._last is None else time - self._last

    def _note(self, time: float, state: str) -> None:
        """From the last look until now it was as at the last look; now it is `state`."""
        if self._last is not None and self._gap(time) <= self._policy.max_gap_seconds:
            self._shares.add(self._last, time, self._state)
        self._last, self._state = time, state


class Eyes(Organ):
    """Blinks, shut eyes, and how long the eyes were open and shut."""

    def __init__(self, policy: AttentionPolicy) -> None:
        super().__init__(policy)
        self._lids = Lids(policy)
        self._dips = Blinks(HURRIED_CLOSURE, policy.blink_seconds[1])
        self._shut = Run(SHUT, OPEN_AGAIN, SHUT_BRIDGE_SECONDS)
        self._quick = Shares(policy.window_seconds)
        self._told = False
        self._looked: float | None = None
        self._followed: float | None = None
        self.closure: float | None = None
        self.blinks = Counter(policy.window_seconds)

    @property
    def shut_seconds(self) -> float:
        """How long they have been shut, 0 where they are open."""
        return self._shut.lasting()

    def quick_sums(self, now: float, window: float | None) -> float:
        """Seconds that were looked at often enough to count blinks."""
        sums = self._quick.whole if window is None else self._quick.within(now)
        return sums.get("quick", 0.0)

    def see(self, time: float, mesh: FaceMesh | None) -> list[Sign]:
        """One look; `closure` is then how far shut the eyes are, None where it cannot be said."""
        seconds = 0.0 if self._looked is None else min(time - self._looked, MOST_LEARNT_SECONDS)
        self._looked = time
        narrowed = mesh is not None and smiles(mesh, self._policy)
        self.closure = None if mesh is None else self._lids.closure(mesh, seconds, narrowed)
        signs = self.cut() if self._gap(time) > self._policy.max_gap_seconds else []
        if self.closure is None:
            return signs
        signs += self._follow(time, self.closure)
        if narrowed and self.closure >= OPEN_AGAIN:
            # A smile's narrow eyes read as shut ones: neither is said.
            return signs
        was_shut = self._state == "shut"
        self._note(time, "shut" if self.closure >= (OPEN_AGAIN if was_shut else SHUT) else "open")
        return signs + self._lasting(self._shut.see(time, self.closure))

    def _follow(self, time: float, closure: float) -> list[Sign]:
        """Blinks."""
        gap = float("inf") if self._followed is None else time - self._followed
        if gap > self._policy.max_gap_seconds:
            self._dips.cut()
        if gap <= QUICK_SECONDS:
            self._quick.add(time - gap, time, "quick")
        self._followed = time
        dip = self._dips.see(time, closure)
        shortest, longest = self._policy.blink_seconds
        if dip is None or not shortest <= dip.span.seconds <= (longest if dip.peak >= SHUT else HURRIED_SECONDS):
            return []
        if gap <= QUICK_SECONDS:
            self.blinks.add(dip.span)
        return [Sign("blink", dip.span.start, dip.span.seconds)]

    def cut(self) -> list[Sign]:
        """Nothing was seen for too long."""
        self._last, self._state = None, ""
        return self._lasting(self._shut.cut())

    def _lasting(self, ended: Span | None) -> list[Sign]:
        least, signs = self._policy.eyes_shut_seconds, []
        if ended and (self._told or ended.seconds >= least):
            signs.append(Sign("eyes_shut", ended.start, ended.seconds))
        if ended:
            self._told = False
        elif not self._told and self._shut.start is not None and self._shut.lasting() >= least:
            self._told = True
            signs.append(Sign("eyes_shut", self._shut.start, self._shut.lasting(), ended=False))
        return signs


class Mouth(Organ):
    """Yawns."""

    def __init__(self, policy: AttentionPolicy) -> None:
        super().__init__(policy)
        self._wide = Run(1.0, STILL_WIDE, YAWN_BRIDGE_SECONDS)
        self.yawns = Counter(policy.window_seconds)

    def see(self, time: float, mesh: FaceMesh | None) -> list[Sign]:
        """One look."""
        signs = self.cut() if self._gap(time) > self._policy.max_gap_seconds else []
        if mesh is None or abs(mesh.pose.yaw_degrees) > self._policy.yaw_limit_degrees:
            return signs
        self._note(time, "seen")
        return signs + self._over(self._wide.see(time, mesh.mouth_openness / wide_open(mesh, self._policy)))

    def cut(self) -> list[Sign]:
        """Nothing was seen for too long: the mouth was wide open until then."""
        self._last = None
        return self._over(self._wide.cut())

    def _over(self, ended: Span | None) -> list[Sign]:
        if ended is None or ended.seconds < self._policy.yawn_seconds:
            return []
        self.yawns.add(ended)
        return [Sign("yawn", ended.start, ended.seconds)]


class Head(Organ):
    """Whether head and gaze point to the reference."""

    def __init__(self, policy: AttentionPolicy) -> None:
        super().__init__(policy)
        self._reference = direction(policy.reference_yaw_degrees, policy.reference_pitch_degrees)
        tolerance = policy.tolerance_degrees
        self._away = Run(tolerance, tolerance - min(BACK_DEGREES, tolerance / 4), BACK_SECONDS)
        self._told = False
        self._gaze: tuple[float, tuple[float, float]] = (float("-inf"), STRAIGHT)

    @property
    def away_seconds(self) -> float:
        """For how long they have pointed elsewhere, 0 where they do not."""
        return self._away.lasting()

    def see(self, time: float, mesh: FaceMesh | None, closure: float | None = None) -> list[Sign]:
        """One look; closure: how far shut the eyes are, where it is known."""
        if self._gap(time) > UNSEEN_SECONDS:
            self.cut()
        if mesh is None:
            return []
        angle = angle_degrees(sight(mesh.pose, self._gaze_now(time, mesh, closure)), self._reference)
        ended = self._away.see(time, angle)
        self._note(time, "towards" if self._away.start is None else "away")
        if ended:
            told, self._told = self._told, False
            least = told or ended.seconds >= self._policy.look_away_seconds
            return [Sign("look_back", ended.end, ended.seconds)] if least else []
        start, lasting = self._away.start, self._away.lasting()
        if start is None or self._told or lasting < self._policy.look_away_seconds:
            return []
        self._told = True
        return [Sign("look_away", start, lasting, ended=False)]

    def _gaze_now(self, time: float, mesh: FaceMesh, closure: float | None) -> tuple[float, float]:
        """Yaw and pitch against the head; shut eyes have none: they keep the last for a blink, then none."""
        if not self._policy.gaze or abs(mesh.pose.yaw_degrees) > self._policy.yaw_limit_degrees:
            return STRAIGHT
        if closure is None or closure < HALF_SHUT:
            self._gaze = (time, (mesh.eyes.gaze_yaw_degrees, mesh.eyes.gaze_pitch_degrees))
        return self._gaze[1] if time - self._gaze[0] <= GAZE_HELD_SECONDS else STRAIGHT

    def cut(self) -> list[Sign]:
        """Nothing was seen for too long; whether it looks back nobody knows."""
        self._away.cut()
        self._last, self._told = None, False
        return []


def wide_open(mesh: FaceMesh, policy: AttentionPolicy) -> float:
    """The `mouth_openness` from which a mouth that is seen from this side is wide open."""
    side = min(max(abs(mesh.pose.yaw_degrees) - 10, 0) / 20, 1.5)
    return policy.yawn_openness * (1 - (1 - MOUTH_AT_30_DEGREES) * side)


def smiles(mesh: FaceMesh, policy: AttentionPolicy) -> bool:
    """Whether the mouth is drawn so wide that the eyes narrow by it; a mouth wide open is none."""
    mouth, eyes = (dist(mesh.points[a], mesh.points[b]) for a, b in (MOUTH_CORNERS, OUTER_EYES))
    return mouth > SMILE_WIDTH * eyes and mesh.mouth_openness < wide_open(mesh, policy)
