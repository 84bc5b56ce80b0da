"""What the tests of this folder share."""

from __future__ import annotations

import sys
from pathlib import Path

# Lets this folder's tests import what the gallery's tests are made of.
sys.path.insert(0, str(Path(__file__).parents[1] / "gallery"))
sys.path.insert(0, str(Path(__file__).parent))
