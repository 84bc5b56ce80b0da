"""What the processor offers, as the engine and the system see it."""

from __future__ import annotations

import platform
from pathlib import Path

TELLING = ("sse4_2", "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "asimd", "asimddp", "sve")


def processor() -> str:
    """The processor's name as OpenVINO reports it, or the platform's where OpenVINO is absent."""
    try:
        import openvino
    except ImportError:
        return platform.processor() or platform.machine()
    return str(openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")).strip()


def instruction_sets() -> tuple[str, ...]:
    """Vector instruction sets that matter for speed, from Linux's /proc/cpuinfo; empty on other systems."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return ()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = next(
        (line.partition(":")[2].split() for line in lines if line.lower().startswith(("flags", "features"))), []
    )
    return tuple(name for name in TELLING if name in flags)
