"""OpenVINO, imported so that it does not report home: stages and engines take it from here.

Its import would load its model converter, which tells the publisher's telemetry of each import, leaves an identifier in
the home directory, forks a process, and takes a third of the time. mien converts nothing. Programs that do can import
the converter afterwards.
"""

from __future__ import annotations

import sys

_CONVERTER = "openvino.tools.ovc"

_held = sys.modules.setdefault(_CONVERTER, None) is None  # type: ignore[arg-type]  # Python's own way to bar an import
try:
    import openvino as openvino
finally:
    if _held:
        del sys.modules[_CONVERTER]
