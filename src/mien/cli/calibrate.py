"""`mien calibrate`: what a score is worth, counted on the user's own people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mien.analyze import Analyzer
from mien.cli.terminal import counter, stdout_console, warn
from mien.decide.calibration import Calibration, calibrations_dir, file_name
from mien.errors import CalibrationError, DataError
from mien.evaluate.calibrating import REFERENCE_FMRS, Origin, calibrate, worst_of
from mien.evaluate.people import folder_of_people, folder_of_strangers, read_groups
from mien.evaluate.templates import Templates, embed_photos
from mien.settings import load_settings

app = typer.Typer()
