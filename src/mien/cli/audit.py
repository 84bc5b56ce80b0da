"""`mien audit`: the audit log of `mien serve`, on the machine that it runs on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from mien.cli.gallery.opening import JsonTo, Place
from mien.cli.lines import open_lines, write_line
from mien.cli.printable import printable
from mien.cli.serve import Sets, configured, need_extra
from mien.cli.terminal import stdout_console
from mien.errors import SettingsError

if TYPE_CHECKING:
    from mien.server.state.audit import AuditLog, Entry, Head

SCHEMA: Final = "mien.audit-entry/1"
EXIT_WRONG: Final = 1

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def audit() -> None:
    """Who looked up or changed what, when and why, in `mien serve`."""
    need_extra()


@app.command("list")
def list_entries(
    place: Place = None,
    actor: Annotated[str | None, typer.Option(help="Id of an account or key.")] = None,
    action: Annotated[str | None, typer.Option(help="What was done, or how it begins, such as identify.")] = None,
    subject: Annotated[str | None, typer.Option(help="Id of what it was done to, or how it begins.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Of one tenant; else of all.")] = None,
    most: Annotated[int, typer.Option(help="How many entries.", min=1)] = 50,
    json_to: JsonTo = None,
    set_: Sets = None,
) -> None:
    """The newest entries, the newest first."""
    from mien.server.state.audit import Wanted

    with _log(place, set_) as log, ExitStack() as stack:
        found = log.entries(Wanted(tenant=tenant, actor=actor, action=action, subject=subject), most)
        lines = open_lines(json_to, stack)
        if lines is None:
            stdout_console().print(_table(found))
        else:
            for one in found:
                write_line(lines, {"schema": SCHEMA} | one.to_dict())


@app.command()
def verify(
    place: Place = None,
    head: Annotated[
        str | None, typer.Option(metavar="SEQ:HASH", help="What an earlier run printed, kept somewhere else.")
    ] = None,
    set_: Sets = None,
) -> None:
    """Whether the log is as it was written: every entry, in its order, none missing.

    Prints the newest entry as SEQ:HASH. Exit code: 0 all is well; 1 the log was tampered with; 2 it cannot be read.
    """
    noted = _head_of(head) if head else None
    with _log(place, set_) as log:
        verdict = log.verify(noted)
    print(f"{verdict.entries} entries; head {verdict.head}")
    for fault in verdict.faults:
        print(f"WRONG: {fault}")
    if verdict.faults:
        raise typer.Exit(EXIT_WRONG)


@contextmanager
def _log(place: str | None, sets: list[str] | None) -> Iterator[AuditLog]:
    """Opens what is there, makes nothing."""
    from mien.server.service import state_of
    from mien.server.state.audit import AuditLog

    config, settings = configured(sets, place)
    with state_of(settings, config) as state:
        yield AuditLog(state)


def _head_of(text: str) -> Head:
    from mien.server.state.audit import Head

    seq, _, said = text.partition(":")
    if not (seq.isascii() and seq.isdigit() and re.fullmatch("[0-9a-f]{64}", said)):
        raise SettingsError(f"--head {text} is no head.", "Give it as `mien audit verify` prints it: SEQ:HASH.")
    return Head(int(seq), said)


def _table(entries: list[Entry]) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    for column in ("#", "at", "who", "action", "subject", "why", "detail"):
        table.add_column(column, overflow="fold")
    for one in entries:
        detail = ", ".join(f"{name}={value}" for name, value in one.detail.items())
        said = (one.at.isoformat(" ", "seconds"), f"{one.name} ({one.kind})", one.action, one.subject, one.why, detail)
        table.add_row(str(one.seq), *(Text(printable(text or "")) for text in said))
    return table
