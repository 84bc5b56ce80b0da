"""`mien gallery`: people on record, and finding them."""

from __future__ import annotations

import typer

from mien.cli.gallery.changing import change, correct, merge, remove, rename
from mien.cli.gallery.clustering import cluster
from mien.cli.gallery.enrolling import enrol, import_people
from mien.cli.gallery.examining import doctor
from mien.cli.gallery.identifying import identify
from mien.cli.gallery.listing import history, list_people, show
from mien.cli.gallery.making import init
from mien.cli.gallery.moving import backup, export, rekey, restore, verify

app = typer.Typer(
    help="Enrol people, find them, correct and forget them. A gallery is a folder, or a schema of a server.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.command("init")(init)
app.command("enrol")(enrol)
app.command("identify")(identify)
app.command("list")(list_people)
app.command("show")(show)
app.command("rename")(rename)
app.command("change")(change)
app.command("merge")(merge)
app.command("remove")(remove)
app.command("history")(history)
app.command("correct")(correct)
app.command("doctor")(doctor)
app.command("cluster")(cluster)
app.command("export")(export)
app.command("import")(import_people)
app.command("rekey")(rekey)
app.command("backup")(backup)
app.command("restore")(restore)
app.command("verify")(verify)
