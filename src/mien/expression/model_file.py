"""An expression model to measure or to learn from: one known by name, or an ONNX file with its card beside it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from mien.errors import WeightsCardInvalid
from mien.expression.frame import FrameExpression
from mien.expression.policy import ExpressionPolicy
from mien.settings import Settings
from mien.weights.card import Card, parse_card
from mien.weights.catalog import Catalog
from mien.weights.fetch import ensure
from mien.weights.progress import Progress


def open_expression(
    name_or_file: str, settings: Settings, fast: bool = False, progress: Progress | None = None
) -> FrameExpression:
    """Load an expression model by the name of its card, or from FILE.onnx with its card in FILE.json beside it.

    A file is used where it lies and is not added to the user's weights. Raises WeightsUnknown, WeightsCardInvalid (no
    card beside the file, or one of another task), WeightsHashMismatch (the card is of another file), EngineError.
    """
    if not name_or_file.endswith(".onnx"):
        card = Catalog.load(settings).card(name_or_file)
        if card.expression:  # others are refused without fetching them
            ensure(card, settings, progress)
        return _load(card, settings, fast)
    file = Path(name_or_file)
    card = card_beside(file)
    # The engine takes files from a cache, so that it gets one of its own, for as long as loading takes.
    with TemporaryDirectory(prefix="mien-", ignore_cleanup_errors=True) as folder:
        alone = settings.model_copy(update={"cache_dir": Path(folder)})
        (alone.cache_dir / "weights").mkdir()
        shutil.copyfile(file, alone.cache_dir / "weights" / card.file)
        return _load(card, alone, fast)


def card_beside(file: Path) -> Card:
    """The card in FILE.json of a FILE.onnx. Raises WeightsCardInvalid where either is absent or the card is wrong."""
    beside = file.with_suffix(".json")
    if not file.is_file():
        raise WeightsCardInvalid(f"There is no file {file}.", "Check the path.")
    try:
        table = json.loads(beside.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsCardInvalid(
            f"{file} has no card: there is no {beside}.", "`mien train export` writes both; keep them together."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsCardInvalid(f"The card {beside} cannot be read: {error}.", "Export the model again.") from error
    return parse_card(table, str(beside))


def _load(card: Card, settings: Settings, fast: bool) -> FrameExpression:
    """By its first vocabulary; all of them are measured."""
    classes = card.expression.heads[0].vocabulary if card.expression else ExpressionPolicy().classes
    return FrameExpression(card, settings, ExpressionPolicy(classes=classes, model=card.name), fast)
