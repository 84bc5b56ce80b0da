"""SIGKILL at random moments and at every kind of step: nothing acknowledged is lost, nothing is left half done.

`benchmarks/gallery_kill.py` does the killing, hundreds of times; here a few dozen.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gallery_kill.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks its children")
def test_kills_lose_nothing_and_leave_nothing_half_done() -> None:
    limits = ["--kills", "10", "--points", "8", "--longest", "0.5", "--seed", str(os.getpid())]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, str(SCRIPT), *limits], capture_output=True, text=True, env=environment)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["at_steps"]["failures"] == [] and report["at_random"]["failures"] == []
    assert done.returncode == 0 and done.stderr == ""
    assert report["at_random"]["kills"] == 10 and report["at_steps"]["kills"] >= 70
    # The children did work, and every kind of change has steps to be killed at.
    assert report["at_random"]["acknowledged"] > 0
    assert min(report["steps"].values()) >= 5 and len(report["steps"]) == 10
