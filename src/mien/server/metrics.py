"""What Prometheus reads; counts and times only, nothing about anybody."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from mien.server.state.jobs import JobState

CONTENT_TYPE: Final = "text/plain; version=1.0.0; charset=utf-8"
SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Set by `mien serve` for several workers: a folder through which their figures become one answer."""
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """One a process. Gauges of several processes are added up."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter("mien_requests", "Requests answered.", ["method", "route", "status"], registry=registry)
        self.seconds = Histogram(
            "mien_request_seconds", "Time to the end of an answer.", ["route"], buckets=SECONDS, registry=registry
        )
        self.faces = Counter("mien_faces", "Faces found in photos.", registry=registry)
        self.rejected = Counter(
            "mien_rejected", "Requests refused, by the code of the error.", ["code"], registry=registry
        )
        self.waiting = _gauge("mien_queue_depth", "Work that waits for a thread.", registry)
        self.live = _gauge("mien_live_sessions", "Live sessions open now.", registry)
        self.jobs = Gauge(
            "mien_jobs", "Videos, by state.", ["state"], registry=registry, multiprocess_mode="mostrecent"
        )

    def look(self, waiting: int, live: int, jobs: Mapping[str, int]) -> None:
        """What is so at this moment. jobs: how many, by state."""
        self.waiting.set(waiting)
        self.live.set(live)
        for state in JobState:
            self.jobs.labels(state.value).set(jobs.get(state.value, 0))

    def render(self) -> bytes:
        """The text format."""
        if SHARED not in os.environ:
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)


def _gauge(name: str, text: str, registry: CollectorRegistry) -> Gauge:
    return Gauge(name, text, registry=registry, multiprocess_mode="livesum")
