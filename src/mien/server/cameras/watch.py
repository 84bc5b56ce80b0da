"""One camera: the loop of `mien watch`, again and again, by one of the processes."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any, Final

from mien.errors import CalibrationError, MienError, StreamLost
from mien.image import ImageLimits, encode_image
from mien.server.caller import Caller, Role
from mien.server.errors import Internal
from mien.server.events import without_name
from mien.server.networks import VideoNetworks
from mien.server.state.audit import AuditLog, Plain
from mien.server.state.database import SECOND, State
from mien.server.state.events import EventLog
from mien.server.state.jobs import Asked
from mien.server.state.leases import Lease
from mien.server.state.preferences import PreferenceShelf
from mien.settings import Settings
from mien.video.frame import Frame, VideoSource
from mien.video.moment import Moment, TrackIdentity
from mien.video.sink.annotated import Annotator
from mien.video.sink.records import frame_record
from mien.video.source.open import open_source

LOG: Final = logging.getLogger("mien.server.cameras")
TENANT: Final = ""
GLANCE_SECONDS: Final = 1.0
# Without a picture for so long a camera counts as lost, though its source goes on trying.
LOST_SECONDS: Final = 5.0
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
STARTING, RUNNING, LOST = "starting", "running", "lost"


@dataclass(frozen=True, slots=True)
class CameraTools:
    """What cameras work with."""

    state: State
    settings: Settings
    networks: VideoNetworks
    events: EventLog
    audit: AuditLog


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong last. code: as docs/errors.md lists them; both empty where nothing did."""

    code: str = ""
    said: str = ""


NONE: Final = Trouble()


@dataclass(slots=True)
class _View:
    """What was seen last."""

    frame: Frame | None = None
    moment: Moment | None = None
    at: int = 0
    frames: int = 0
    dropped: int = 0
    told: set[tuple[int, str]] = field(default_factory=set)


class Camera:
    """Followed by a thread from `start` on; another one keeps the lease and tells how it is."""

    def __init__(self, name: str, address: str, tools: CameraTools, pictures: str) -> None:
        """pictures: where other processes get pictures from this one; empty where there are none."""
        self.name, self._address, self._tools, self._pictures = name, address, tools, pictures
        self._lease = Lease(tools.state, f"camera {name}")
        self._closing, self._stop = Event(), Event()
        self._lock = Lock()
        self._view = _View()
        self._source: VideoSource | None = None
        self._shown = (STARTING, tools.state.now())
        self._trouble = NONE
        self._keeper: Thread | None = None
        self._follower: Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._keeper = Thread(target=self._keep, name=f"mien-camera-{self.name}", daemon=True)
        self._keeper.start()

    def close(self) -> None:
        """May take as long as one read of the camera."""
        self._closing.set()
        if self._keeper is not None:
            self._keeper.join()

    def picture(self) -> bytes | None:
        """The last picture with boxes and words, as JPEG; None where this process has none."""
        with self._lock:
            frame, moment = self._view.frame, self._view.moment
        if frame is None or moment is None:
            return None
        return encode_image(Annotator(moment.height).draw(frame, moment), ".jpg", 80)

    def _keep(self) -> None:
        """Whoever has the lease follows; the others wait for it."""
        held = False
        while not self._closing.is_set():
            try:
                held = self._lease.hold()
                if held:
                    self._ensure_follower()
                    self._tell()
                else:
                    self._let_go()
            except Exception:
                LOG.exception("camera %s", self.name)
            self._closing.wait(GLANCE_SECONDS)
        self._let_go()
        if held:
            self._forget()

    def _ensure_follower(self) -> None:
        if self._follower is None or not self._follower.is_alive():
            self._stop.clear()
            self._follower = Thread(target=self._follow, name=f"mien-follow-{self.name}", daemon=True)
            self._follower.start()

    def _let_go(self) -> None:
        """Of the camera, and of what was seen."""
        if self._follower is None:
            return
        self._stop.set()
        source = self._source
        if source is not None:
            source.__exit__(None, None, None)
        self._follower.join()
        self._follower = None
        with self._lock:
            self._view = _View()

    def _forget(self) -> None:
        """Nobody follows it any more: let another process begin at once."""
        with self._tools.state.write() as connection:
            connection.execute("DELETE FROM cameras WHERE name = ?", (self.name,))
        self._lease.let_go()

    def _wanted(self) -> bool:
        return not self._stop.is_set()

    def _follow(self) -> None:
        """The thread: connect, watch, and again after a pause."""
        pause, identify = FIRST_PAUSE_SECONDS, True
        while self._wanted():
            before = self._view.frames
            try:
                self._watch(identify)
                self._trouble = Trouble(StreamLost.code, "The camera ended its stream.")
            except CalibrationError as error:
                # Faces are followed all the same; nobody is called somebody at a rate that cannot be kept.
                self._trouble, identify = Trouble(error.code, f"Nobody is recognised: {error}"), False
                continue
            except MienError as error:
                self._trouble = Trouble(error.code, str(error))
            except Exception:
                LOG.exception("camera %s", self.name)
                said = "Something went wrong that should not have; the service's log says more."
                self._trouble = Trouble(Internal.code, said)
            if self._view.frames > before:
                pause, identify = FIRST_PAUSE_SECONDS, True
            self._stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _watch(self, identify: bool) -> None:
        tools = self._tools
        fpir = PreferenceShelf(tools.state).get(TENANT)[0].fpir
        limits = ImageLimits(tools.settings.max_pixels, tools.settings.max_bytes)
        analyzer = tools.networks.analyzer(Asked(None, identify, False, fpir), TENANT)
        source = open_source(self._address, limits=limits)
        self._source = source
        with source:
            try:
                if not self._wanted():
                    return
                for frame, moment in analyzer.run(source):
                    self._take(frame, moment)
                    if not self._wanted():
                        return
            finally:
                source.__exit__(None, None, None)
                self._source = None

    def _take(self, frame: Frame, moment: Moment) -> None:
        self._note(moment)
        with self._lock:
            view = self._view
            view.frame, view.moment, view.at = frame, moment, self._tools.state.now()
            view.frames, view.dropped = view.frames + 1, view.dropped + frame.dropped
        if self._trouble.code != CalibrationError.code:
            self._trouble = NONE

    def _note(self, moment: Moment) -> None:
        """Events, but for blinks; and everybody who is recognised, once a track, in the audit log too."""
        events = [
            (event.kind, self._about(event.time_seconds, event.track) | without_name(event.detail))
            for event in moment.events
            if event.kind != "blink"
        ]
        found = {
            (face.track, face.identity.person_id)
            for face in moment.faces
            if isinstance(face.identity, TrackIdentity)
            and face.identity.answer == "person"
            and face.identity.person_id is not None
        } - self._view.told
        if not events and not found:
            return
        caller = Caller("camera", self.name, self.name, Role.VIEWER, TENANT)
        with self._tools.state.write():
            for track, person_id in sorted(found):
                detail: dict[str, Plain] = {"source": "camera", "track": track}
                self._tools.audit.write(caller, "identify", person_id, detail=detail)
            self._tools.events.publish_all(TENANT, events)
        self._view.told |= found
        for event in moment.events:
            if event.kind == "track_end":
                self._view.told = {one for one in self._view.told if one[0] != event.track}

    def _about(self, seconds: float | None = None, track: int | None = None) -> dict[str, Any]:
        about: dict[str, Any] = {"camera": self.name}
        if seconds is not None:
            about |= {"time_seconds": round(seconds, 3), "track": track}
        return about

    def _tell(self) -> None:
        """On record for all processes, once a second, without names; a change of state is an event."""
        now = self._tools.state.now()
        with self._lock:
            view = self._view
            moment, at, frames, dropped = view.moment, view.at, view.frames, view.dropped
            fresh = now - at < LOST_SECONDS * SECOND
            if not fresh:
                # Nobody's face stays in memory, or is shown, until the camera is there again.
                view.frame = None
        state = RUNNING if fresh else LOST if at or self._trouble.code else STARTING
        if state != self._shown[0]:
            self._shown = (state, now)
            if state != STARTING:
                self._tools.events.publish(TENANT, f"camera_{state}", self._about())
        shown = {
            "state": state,
            "since": self._shown[1],
            "trouble": self._trouble.said,
            "trouble_code": self._trouble.code,
            "frames": frames,
            "dropped": dropped,
            "width": moment.width if moment else 0,
            "height": moment.height if moment else 0,
            "faces": [bare(face) for face in frame_record(moment)["faces"]] if moment and fresh else [],
            "pictures": self._pictures,
        }
        with self._tools.state.write() as connection:
            connection.execute(
                "INSERT INTO cameras (name, at, shown) VALUES (?1, ?2, ?3) "
                "ON CONFLICT (name) DO UPDATE SET at = ?2, shown = ?3",
                (self.name, now, json.dumps(shown, allow_nan=False)),
            )


def bare(face: dict[str, Any]) -> dict[str, Any]:
    """A face's record without names of people, which are looked up when it is shown."""
    who = face["identity"]
    if not isinstance(who, dict) or "person_id" not in who:
        return face
    return face | {"identity": who | {"name": None, "reasons": [], "mentions": []}}
