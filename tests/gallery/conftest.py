"""What the tests of this folder share."""

from __future__ import annotations

import sys
from pathlib import Path

# Lets this folder's tests import `made_up_people`.
sys.path.insert(0, str(Path(__file__).parent))
