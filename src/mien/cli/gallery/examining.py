"""`mien gallery doctor`: what is wrong with a gallery, and a contact sheet to see it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from mien.cli.gallery.listing import names_of
from mien.cli.gallery.opening import Place, open_gallery
from mien.cli.gallery.showing import count_of, print_table, tell
from mien.cli.report import write_json
from mien.cli.terminal import warn
from mien.errors import SettingsError
from mien.gallery.doctor import Finding
from mien.gallery.errors import PersonUnknown
from mien.gallery.gallery import Gallery
from mien.gallery.sheet import draw_sheet, shown
from mien.image import write_image

SCHEMA: Final = "mien.findings/1"
EXIT_FOUND: Final = 1
SHEET_ROWS: Final = 200


def doctor(
    place: Place = None,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="A contact sheet; with faces where crops are kept.")
    ] = None,
    json_to: Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="All findings as JSON.")] = None,
) -> None:
    """Look for what is wrong with the gallery.

    Templates that are mislabelled, poisoned, superfluous or poor; people who are enrolled twice or confusable. Every
    template is compared with all others; a million pairs take about 10 ms. `mien gallery change --drop` takes templates
    away, `mien gallery merge` makes one person of two.

    Exit code: 0 nothing was found; 1 something was; 2 an error.
    """
    if sheet and sheet.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise SettingsError(f"{sheet} is no picture's name.", "Name it .png, .jpg or .webp.")
    with open_gallery(place) as gallery:
        findings = gallery.examine()
        names = names_of(gallery, (person for one in findings for person in (one.person_id, one.other_id)))
        if sheet:
            _draw(gallery, findings, sheet)
        listed = [one.to_dict() for one in findings]
        record: dict[str, Any] = {"schema": SCHEMA, "gallery_id": gallery.info.id, "names": names, "findings": listed}
    if write_json(record, json_to):
        _print(findings, names)
    raise typer.Exit(EXIT_FOUND if findings else 0)


def _draw(gallery: Gallery, findings: tuple[Finding, ...], sheet: Path) -> None:
    rows = []
    for one in findings[:SHEET_ROWS]:
        with suppress(PersonUnknown):
            rows.append(shown(one, gallery.records.person, gallery.records.templates))
    try:
        write_image(sheet, draw_sheet(rows))
    except OSError as error:
        raise SettingsError(f"{sheet} cannot be written: {error.strerror}.", "Name another file.") from error
    if len(findings) > SHEET_ROWS:
        warn(f"The sheet has the first {SHEET_ROWS} of {len(findings):,} findings.")
    if not gallery.info.policy.keep_crops:
        warn("This gallery keeps no crops: the sheet names templates instead of showing faces.")


def _print(findings: tuple[Finding, ...], names: dict[str, str]) -> None:
    rows = [
        (
            one.kind.replace("_", " "),
            names.get(one.person_id, one.person_id),
            str(one.template_id or ""),
            names.get(one.other_id or "", one.other_id or ""),
            one.reason,
        )
        for one in findings
    ]
    print_table(("finding", "person", "template", "beside", "why"), rows)
    tell(f"{count_of(len(findings), 'finding')}." if findings else "Nothing was found.")
