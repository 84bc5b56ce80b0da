"""One live session: pushed pictures through the loop of every video, an answer for each."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final

from mien.errors import ImageError, MienError
from mien.face import NotAsked, Quality
from mien.image import ImageLimits
from mien.server.caller import Caller
from mien.server.errors import Busy, ClientGone
from mien.server.live.frames import PushedFrames
from mien.server.networks import VideoNetworks
from mien.server.state.audit import AuditLog, Plain
from mien.server.state.database import State, new_id
from mien.server.state.events import EventLog
from mien.server.state.jobs import Asked
from mien.server.turns import who_yields
from mien.video.loop import VideoAnalyzer
from mien.video.moment import Moment, TrackedFace, TrackIdentity
from mien.video.sink.records import frame_record

FRAME_BYTES: Final = 4_000_000
FRAME_PIXELS: Final = 8_500_000

LOG: Final = logging.getLogger("mien.server.live")

Send = Callable[[Mapping[str, Any]], None]
"""Hands one message to the client and returns when it is on its way; raises ClientGone."""


@dataclass(frozen=True, slots=True)
class LiveTools:
    """What sessions work with."""

    state: State
    networks: VideoNetworks
    events: EventLog
    audit: AuditLog
    most: int


class LiveSessions:
    """So many sessions at once, no more; where one caller has them all, others get some. Thread-safe."""

    def __init__(self, tools: LiveTools) -> None:
        self.tools, self.most = tools, tools.most
        self._lock = Lock()
        self._open: dict[LiveSession, str] = {}
        self._closed = False
        self._threads = ThreadPoolExecutor(max(1, tools.most), "mien-live-session")

    @property
    def open(self) -> int:
        """How many there are now."""
        return len(self._open)

    def enter(self, caller: Caller, asked: Asked) -> LiveSession | None:
        """A new session, in the audit log by then; None where there are as many as there may be.

        Where all are taken, whoever has most of them loses the newest to a caller who has fewer.
        """
        session = LiveSession(self.tools, caller, asked)
        with self._lock:
            if self._closed or (len(self._open) >= self.most and not self._make_room(caller.tag)):
                return None
            self._open[session] = caller.tag
        try:
            detail: dict[str, Plain] = {"session": session.id, "identify": asked.identify}
            self.tools.audit.write(caller, "begin_live", why=asked.why, detail=detail)
        except BaseException:
            self.leave(session)
            raise
        return session

    def run(self, session: LiveSession, send: Send, ended: Callable[[], None]) -> None:
        """Begin to work, in a thread of the session's own; `ended` is called at the end whatever happens."""
        self._threads.submit(session.run, send).add_done_callback(lambda _: ended())

    def leave(self, session: LiveSession) -> None:
        """There is room for another one."""
        session.close()
        with self._lock:
            self._open.pop(session, None)

    def close(self) -> None:
        """All sessions end."""
        with self._lock:
            self._closed = True
            left = list(self._open)
        for session in left:
            session.close()
        self._threads.shutdown(wait=True)

    def _make_room(self, newcomer: str) -> bool:
        """The newcomer's thread is the one that the other session leaves, as soon as it has left it."""
        yielding = who_yields(Counter(self._open.values()), newcomer)
        if yielding is None:
            return False
        newest = next(one for one, who in reversed(self._open.items()) if who == yielding)
        del self._open[newest]
        newest.yield_place()
        return True


class LiveSession:
    """Of one client. `push` and `close` are called by one thread, `run` by another."""

    def __init__(self, tools: LiveTools, caller: Caller, asked: Asked) -> None:
        self.id = new_id()
        self.failure: MienError | None = None
        self._tools, self._caller, self._asked = tools, caller, asked
        self._frames = PushedFrames(ImageLimits(FRAME_PIXELS, FRAME_BYTES), self._refused)
        self._send: Send | None = None
        self._quality: dict[int, float] = {}
        self._told: set[tuple[int, str, str]] = set()

    def push(self, message: bytes) -> int:
        """As of `PushedFrames`."""
        return self._frames.push(message)

    @property
    def pushed(self) -> int:
        """How many messages came."""
        return self._frames.pushed

    def close(self) -> None:
        """`run` returns soon."""
        self._frames.__exit__(None, None, None)

    def yield_place(self) -> None:
        """It ends, as somebody else needs its place."""
        self.failure = Busy("Somebody else needs the place of this live session.", "Try again later.")
        self.close()

    def run(self, send: Send) -> None:
        """Until it is closed, or the client is gone; `failure` says what went wrong."""
        self._send = send
        try:
            analyzer = self._tools.networks.analyzer(self._asked, self._caller.tenant)
            send({"session": self.id, "models": analyzer.models})
            self._play(analyzer)
        except ClientGone:
            pass
        except MienError as error:
            self.failure = error
        except Exception:
            LOG.exception("live session %s", self.id)
            self.failure = MienError("Something went wrong that should not have.", "See the service's log.")
        finally:
            self.close()

    def _play(self, analyzer: VideoAnalyzer) -> None:
        with self._frames as frames:
            for _, moment in analyzer.run(frames):
                self._note(moment)
                self._answer(moment)

    def _answer(self, moment: Moment) -> None:
        record = frame_record(self._with_quality(moment))
        shown = {name: value for name, value in record.items() if name not in ("schema", "kind", "index", "dropped")}
        shown["events"] = [event.to_dict() for event in moment.events]
        assert self._send is not None
        self._send({"seq": moment.index, "dropped": self._frames.dropped, "moment": shown})

    def _refused(self, number: int, error: ImageError) -> None:
        """One picture that cannot be read ends nothing."""
        if self._send is not None:
            self._send({"seq": number, "problem": problem_of(error)})

    def _with_quality(self, moment: Moment) -> Moment:
        """Quality is measured now and then; between, the last one of the track is shown."""
        now = {face.track for face in moment.faces}
        self._quality = {track: score for track, score in self._quality.items() if track in now}
        return replace(moment, faces=tuple(self._last_quality(face) for face in moment.faces))

    def _last_quality(self, face: TrackedFace) -> TrackedFace:
        if isinstance(face.face.quality, Quality):
            self._quality[face.track] = face.face.quality.score
        elif face.track in self._quality:
            return replace(face, face=replace(face.face, quality=Quality(self._quality[face.track], ())))
        return face

    def _note(self, moment: Moment) -> None:
        """Everybody who is recognised, or whom the reasons name: on record once a track, before the client is told."""
        new = {(face.track, *one) for face in moment.faces for one in _disclosed(face.identity)} - self._told
        if not new:
            return
        with self._tools.state.write():
            for track, person_id, answer in sorted(new):
                about: dict[str, Plain] = {"source": "live", "session": self.id, "track": track}
                self._tools.audit.write(
                    self._caller, "identify", person_id, self._asked.why, about | {"answer": answer}
                )
                if answer == "person":
                    data = about | {"person_id": person_id, "answer": answer}
                    self._tools.events.publish(self._caller.tenant, "identity", data)
        self._told |= new


def _disclosed(who: TrackIdentity | NotAsked | None) -> Iterator[tuple[str, str]]:
    """Whom an answer names, each as what: the person found, or a candidate."""
    if not isinstance(who, TrackIdentity):
        return
    person_id = who.person_id if who.answer == "person" else None
    if person_id is not None:
        yield person_id, "person"
    yield from ((one, "candidate") for one in who.mentions if one != person_id)


def problem_of(error: MienError) -> dict[str, str]:
    """An error as a message has it."""
    return {"code": error.code, "detail": error.cause, "cure": error.cure}
