"""Signs of one track, as they become certain, and what they come to."""

from __future__ import annotations

from mien.attention.organs import Eyes, Head, Mouth
from mien.attention.policy import AttentionPolicy, Sign
from mien.attention.window import AttentionWindow
from mien.face import FaceMesh


class AttentionMeter:
    """Watches eyes, mouth and head of one track, at whatever times its mesh was looked for; one thread, fixed memory.

    Start-up: eyes are judged from the moment when they were seen open for 0.4 s; whoever never shows open eyes is not
    judged. Blinks are found at 5 looks a second, too, but not all of them: for the rate count only stretches of at
    least 10 looks a second.
    """

    def __init__(self, policy: AttentionPolicy | None = None) -> None:
        policy = policy or AttentionPolicy()
        self._policy = policy
        self._eyes, self._mouth, self._head = Eyes(policy), Mouth(policy), Head(policy)
        self._first: float | None = None
        self._now = 0.0

    def update(self, time_seconds: float, mesh: FaceMesh | None) -> tuple[Sign, ...]:
        """Take in one look; None: the face or its mesh was not there. Returns the signs that became certain by it.

        Raises ValueError where the time does not rise.
        """
        if self._first is None:
            self._first = time_seconds
        elif not time_seconds > self._now:
            raise ValueError(f"A look at {time_seconds} s cannot follow one at {self._now} s.")
        self._now = time_seconds
        signs = self._eyes.see(time_seconds, mesh) + self._mouth.see(time_seconds, mesh)
        return tuple(signs + self._head.see(time_seconds, mesh, self._eyes.closure))

    def end(self) -> tuple[Sign, ...]:
        """The track is over: what still lasted ends with its last look."""
        return tuple(self._eyes.cut() + self._mouth.cut() + self._head.cut())

    def window(self) -> AttentionWindow:
        """Of the last `policy.window_seconds`, or of all of it where it is shorter."""
        return self._summary(self._policy.window_seconds)

    def whole(self) -> AttentionWindow:
        """Of everything since the first look."""
        return self._summary(None)

    def _summary(self, window: float | None) -> AttentionWindow:
        past = 0.0 if self._first is None else self._now - self._first
        since = float("-inf") if window is None else self._now - window
        eyes, towards = self._eyes.sums(self._now, window), self._head.sums(self._now, window)
        blinks = self._eyes.blinks.since(since)
        observed, looked = sum(eyes.values()), sum(towards.values())
        quick = self._eyes.quick_sums(self._now, window)
        least = self._policy.least_seconds
        return AttentionWindow(
            seconds=past if window is None else min(past, window),
            observed_seconds=observed,
            blinks_per_minute=60 * blinks.count / quick if quick >= least else None,
            mean_blink_seconds=blinks.seconds / blinks.count if blinks.count else None,
            perclos=eyes.get("shut", 0.0) / observed if observed >= least else None,
            eyes_shut_seconds=self._eyes.shut_seconds,
            yawns=self._mouth.yawns.since(since).count,
            towards=towards.get("towards", 0.0) / looked if looked >= least else None,
            looking_away_seconds=self._head.away_seconds,
        )
