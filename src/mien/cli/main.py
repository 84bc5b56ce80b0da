"""`mien`: the commands, and what errors and interruptions become."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from mien.cli.printable import printable
from mien.errors import MienError
from mien.memory import return_large_blocks

# Where each command lives; loaded when called, so that `mien --help` stays fast.
COMMANDS = {
    "demo": ("mien.cli.demo", "Analyse a sample photo, to see that everything works."),
    "analyze": ("mien.cli.analyze", "Find and describe the faces in photos, folders and videos."),
    "watch": ("mien.cli.watch", "Follow the faces of a camera, stream or video, live."),
    "redact": ("mien.cli.redact", "Cover faces in photos and videos."),
    "compare": ("mien.cli.compare", "Are two photos of the same person, at the error rate asked for?"),
    "gallery": ("mien.cli.gallery", "Enrol people, find them, correct and forget them."),
    "serve": ("mien.cli.serve", "Serve the API and a web console on this machine."),
    "audit": ("mien.cli.audit", "Who looked up or changed what in `mien serve`, and whether its log is whole."),
    "calibrate": ("mien.cli.calibrate", "Build a calibration, score to false match rate, from a folder of people."),
    "evaluate": ("mien.cli.evaluate", "Measure accuracy by the field's protocols."),
    "train": ("mien.cli.train", "Train expression models with Keras, and export them."),
    "weights": ("mien.cli.weights", "List, fetch, verify, pack and add model weights."),
    "doctor": ("mien.cli.doctor", "What is installed, whether it works, and how fast."),
}
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


def usage() -> str:
    """What `mien --help` prints, without loading any command."""
    width = max(len(name) for name in COMMANDS)
    lines = [f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items()]
    head = [
        "Usage: mien COMMAND [ARGS]...",
        "",
        "Faces, identities and expressions from images, videos and cameras, on your own machine.",
        "",
    ]
    return "\n".join([*head, *lines, "", "`mien COMMAND --help` describes one; `mien --version` prints the version."])


def _dispatch(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "--help"
    if name in ("--help", "-h", "help"):
        print(usage())
        return 0
    if name == "--version":
        from mien import __version__

        print(f"mien {__version__}")
        return 0
    if name not in COMMANDS:
        print(f"error: There is no command {name!r}.\n\n{usage()}", file=sys.stderr)
        return EXIT_ERROR
    if name != "train":  # whose large tensors come and go too often for that
        return_large_blocks()
    try:
        import_module(COMMANDS[name][0]).app(arguments[1:], prog_name=f"mien {name}")
    except SystemExit as stop:
        if stop.code == EXIT_INTERRUPTED:  # what typer makes of Ctrl-C
            raise KeyboardInterrupt from None
        return stop.code if isinstance(stop.code, int) else 0
    return 0


def run(arguments: list[str]) -> int:
    """Run one command line; the exit code: 0, 1 and 3 as the command says, 2 for an error, 130 for Ctrl-C."""
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
        return code
    except MienError as error:
        print(f"error: {printable(error.cause)}", file=sys.stderr)
        if error.cure:
            print(f"       {printable(error.cure)}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has had enough (`| head`). Python would complain once more while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def main() -> None:
    """Entry point of the `mien` command."""
    sys.exit(run(sys.argv[1:]))
