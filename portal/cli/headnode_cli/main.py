"""The entry point. Help and version are printed before anything large is imported."""

from __future__ import annotations

import sys

from . import __version__
from .catalog import overview


def main() -> None:
    """Run `headnode` with the arguments of this process, and exit with its status."""
    arguments = sys.argv[1:]
    if arguments in ([], ["--help"], ["-h"], ["help"]) and not _is_completion():
        print(overview(), end="")
        raise SystemExit(0)
    if arguments in (["--version"], ["-V"]):
        print(f"headnode {__version__}")
        raise SystemExit(0)
    from .run import run

    raise SystemExit(run(arguments))


def _is_completion() -> bool:
    import os

    return "_HEADNODE_COMPLETE" in os.environ
