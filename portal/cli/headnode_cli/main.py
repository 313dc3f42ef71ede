"""The entry point. Help and version are printed before anything large is imported."""

from __future__ import annotations

import os
import sys

from . import __version__
from .catalog import overview
from .closed_output import forget_output


def main() -> None:
    """Run `headnode` with the arguments of this process, and exit with its status."""
    arguments = sys.argv[1:]
    if sys.stdout is None:  # closed, as by >&-
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (until this process ends)
    if arguments in ([], ["--help"], ["-h"], ["help"]) and not _is_completion():
        _print_and_exit(overview())
    if arguments in (["--version"], ["-V"]):
        _print_and_exit(f"headnode {__version__}\n")
    from .run import run

    raise SystemExit(run(arguments))


def _print_and_exit(text: str) -> None:
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        forget_output()
    raise SystemExit(0)


def _is_completion() -> bool:
    return "_HEADNODE_COMPLETE" in os.environ
