"""All cameras of the configuration, as any of the processes sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mien.server.cameras.pictures import PictureServer, fetch_picture
from mien.server.cameras.watch import LOST, STARTING, Camera, CameraTools
from mien.server.state.database import SECOND

# A record that is older than this comes from a process that is gone.
STALE_SECONDS: Final = 15.0
PURPOSE: Final = "camera pictures"


@dataclass(frozen=True, slots=True)
class CameraView:
    """How a camera is. state: starting, running or lost; since: microseconds since 1970; faces: as live answers."""

    name: str
    state: str
    since: int | None
    trouble: str
    trouble_code: str
    frames: int
    dropped: int
    width: int
    height: int
    faces: tuple[Mapping[str, Any], ...]


class Cameras:
    """Thread-safe. Each camera is followed by one of the processes that share the state."""

    def __init__(self, addresses: Mapping[str, str], tools: CameraTools, several: bool = False) -> None:
        """several: there are other processes, which want pictures."""
        self._tools = tools
        self._key = tools.state.key(PURPOSE)
        self._server = PictureServer(self._key, self._own_picture) if several and addresses else None
        where = self._server.address if self._server else ""
        self._cameras = {name: Camera(name, address, tools, where) for name, address in addresses.items()}

    def start(self) -> None:
        """Begin to follow them."""
        for camera in self._cameras.values():
            camera.start()

    def close(self) -> None:
        """Hang up."""
        for camera in self._cameras.values():
            camera.close()
        if self._server is not None:
            self._server.close()

    @property
    def names(self) -> list[str]:
        """Of all cameras, in the order of the configuration."""
        return list(self._cameras)

    def view(self, name: str) -> CameraView | None:
        """How a camera is; None where there is none of this name."""
        if name not in self._cameras:
            return None
        shown = self._record(name)
        if shown is None:
            return CameraView(name, STARTING, None, "", "", 0, 0, 0, 0, ())
        rest = {key: value for key, value in shown.items() if key not in ("pictures", "faces")}
        return CameraView(name, **rest, faces=tuple(shown["faces"]))

    def picture(self, name: str) -> bytes | None:
        """The last picture, with boxes and words, as JPEG; None where there is none."""
        own = self._own_picture(name)
        if own is not None or name not in self._cameras:
            return own
        shown = self._record(name)
        where = shown["pictures"] if shown and shown["state"] != LOST else ""
        return fetch_picture(where, self._key, name) if where else None

    def _own_picture(self, name: str) -> bytes | None:
        camera = self._cameras.get(name)
        return camera.picture() if camera else None

    def _record(self, name: str) -> dict[str, Any] | None:
        row = self._tools.state.row("SELECT at, shown FROM cameras WHERE name = ?", (name,))
        if row is None or self._tools.state.now() - row[0] > STALE_SECONDS * SECOND:
            return None
        shown: dict[str, Any] = json.loads(row[1])
        return shown
