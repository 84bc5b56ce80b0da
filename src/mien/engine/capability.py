"""What the processor offers, as the engine and the system see it."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path
from typing import Final

TELLING = ("sse4_2", "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "asimd", "asimddp", "sve")
LIMIT: Final = "ONEDNN_MAX_CPU_ISA"


@cache
def avoid_amx() -> bool:
    """Start OpenVINO's CPU plugin without AMX; whether its integer kernels are safe from now on.

    Some virtual machines report AMX and give it no tiles: an integer kernel then ends the process by an illegal
    instruction. oneDNN, inside the plugin, reads its limit from the environment at the plugin's first use in the
    process and never again, so the variable is set for that moment alone. False where others used the plugin before
    and the processor reports AMX. A limit that the user has set stays as it is.
    """
    if LIMIT in os.environ:
        return True
    late = _cpu_plugin_loaded()
    from mien.engine.quiet import openvino

    os.environ[LIMIT] = "AVX512_CORE_VNNI"
    try:
        openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    finally:
        os.environ.pop(LIMIT, None)
    return not (late and "amx_int8" in instruction_sets())


def has_integer_kernels() -> bool:
    """Whether OpenVINO is known to run 8-bit networks here: on x86, and not without AVX2."""
    flags = instruction_sets()
    return platform.machine().lower() in ("x86_64", "amd64") and (not flags or "avx2" in flags)


def _cpu_plugin_loaded() -> bool:
    """From Linux's list of mapped files; elsewhere nothing tells of AMX either."""
    maps = Path("/proc/self/maps")
    return maps.is_file() and "openvino_intel_cpu_plugin" in maps.read_text(encoding="utf-8", errors="replace")


def processor() -> str:
    """The processor's name as OpenVINO reports it, or the platform's where OpenVINO is absent."""
    try:
        from mien.engine.quiet import openvino
    except ImportError:
        return platform.processor() or platform.machine()
    avoid_amx()
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
