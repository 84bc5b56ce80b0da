"""What the service and the process that works on its videos say to each other: lines of JSON, never a vector or key."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mien.errors import MienError
from mien.server.state.jobs import Asked


@dataclass(frozen=True, slots=True)
class Order:
    """One try at one job.

    name: what people call the video. upload, folder: paths, of the video and of an empty folder for the results.
    settings: all of the service's, plain.
    """

    job: str
    tenant: str
    name: str
    asked: Asked
    upload: str
    folder: str
    settings: Mapping[str, Any]

    def line(self) -> bytes:
        """As it is sent."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def of(cls, line: bytes) -> Order:
        """As it was before it was sent."""
        said = json.loads(line)
        return cls(**said | {"asked": Asked.of(said["asked"])})


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a job that is done. recognised: by person, in how many tracks. named: everybody whom the results name."""

    recognised: Mapping[str, int]
    named: Sequence[str]


def trouble_of(error: MienError) -> dict[str, str]:
    """As a job's record keeps it."""
    return {"code": error.code, "cause": error.cause, "cure": error.cure}
