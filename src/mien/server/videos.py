"""Everything of the service that moves: jobs, live sessions, cameras, and where events go."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from mien.gallery.gallery import Gallery
from mien.server.cameras.cameras import Cameras
from mien.server.cameras.watch import CameraTools
from mien.server.config import ServerConfig
from mien.server.events import Named, Streams, named_by
from mien.server.jobs.process import VideoProcess, video_command
from mien.server.jobs.runner import JobRunner, JobTools
from mien.server.live.session import LiveSessions, LiveTools
from mien.server.networks import VideoNetworks
from mien.server.outputs import Outputs
from mien.server.state.audit import AuditLog
from mien.server.state.database import State
from mien.server.state.events import EventLog
from mien.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Videos:
    """One a process. named: events with names beside ids."""

    audit: AuditLog
    events: EventLog
    named: Named
    streams: Streams
    networks: VideoNetworks
    live: LiveSessions
    jobs: JobRunner
    cameras: Cameras
    outputs: Outputs
    closing: ExitStack

    def close(self) -> None:
        """Streams and live sessions end, a job is given back, cameras and outputs hang up."""
        self.closing.close()


def open_videos(settings: Settings, config: ServerConfig, gallery: Gallery, state: State) -> Videos:
    """All at work. Raises SinkError for an output that cannot be, ExtraMissing for one that needs paho-mqtt."""
    audit, events, streams = AuditLog(state), EventLog(state), Streams()
    networks, named = VideoNetworks(settings, gallery), named_by(gallery)
    outputs = Outputs(config.outputs, settings.webhook_secret or None, state, events, named)
    process = VideoProcess(video_command(config.log_format))
    jobs = JobRunner(JobTools(state, settings, process, networks, events, audit, config.video_bytes))
    live = LiveSessions(LiveTools(state, networks, events, audit, config.live_sessions))
    tools = CameraTools(state, settings, networks, events, audit)
    cameras = Cameras(config.cameras, tools, config.workers > 1)
    with ExitStack() as stack:
        for part in (outputs, jobs, cameras):
            stack.callback(part.close)
            part.start()
        stack.callback(live.close)
        stack.callback(streams.close)
        return Videos(audit, events, named, streams, networks, live, jobs, cameras, outputs, stack.pop_all())
