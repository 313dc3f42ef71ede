"""Find the command, run it, and turn whatever happens into one sentence and an exit status."""

from __future__ import annotations

import difflib
import importlib
import io
import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from . import __version__, runtime
from .catalog import Entry, entries, find, overview
from .closed_output import OutputClosed, forget_output
from .errors import CLIError, Exit
from .plain_text import printable

# Commands that end with the status of a job or of a command on a node.
PASSES_STATUS_ON = ("run", "ssh")
SIGNALLED = 128
_TOKEN = re.compile(r"hn_[A-Za-z0-9_-]+")


def run(arguments: Sequence[str]) -> int:
    """Run one command line. Return the exit status."""
    runtime.take_token_from_environment()
    _print_whatever_comes()
    if "_HEADNODE_COMPLETE" in os.environ:
        return _complete()
    name, *rest = arguments
    entry = find(name)
    if entry is None:
        return _unknown(name)
    if rest == ["-h"]:
        rest = ["--help"]
    passes_status = name in PASSES_STATUS_ON or (name == "logs" and _follows(rest))
    try:
        return _invoke(_app_of(entry), rest, f"headnode {name}")
    except KeyboardInterrupt:
        return SIGNALLED + 2
    except (OutputClosed, BrokenPipeError):
        forget_output()
        return Exit.DONE
    except CLIError as error:
        print(f"headnode: {printable(str(error))}", file=sys.stderr)
        if error.status is not Exit.USAGE and passes_status:
            return Exit.OWN_FAILURE
        return error.status
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # typer's own errors of usage
            print(f"headnode: {error.format_message()}", file=sys.stderr)
            print(f"Try: headnode {name} --help", file=sys.stderr)
            return Exit.USAGE
        if type(error).__name__ == "Abort":
            return SIGNALLED + 2
        if isinstance(error, OSError):
            path = error.filename2 or error.filename
            name = f"{path}: " if path else ""
            print(f"headnode: {printable(f'{name}{error.strerror or error}')}.", file=sys.stderr)
        else:
            _report(error)
        return Exit.OWN_FAILURE if passes_status else Exit.FAILED


def _print_whatever_comes() -> None:
    """Let a letter that the terminal's encoding lacks become a question mark, and end no command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _invoke(app: Any, arguments: list[str], program: str) -> int:
    import typer.main

    returned = typer.main.get_command(app).main(args=arguments, prog_name=program, standalone_mode=False)
    sys.stdout.flush()
    return returned if isinstance(returned, int) else Exit.DONE


def _complete() -> int:
    """Answer the shell that completes a word. Whatever goes wrong, nothing is printed into what somebody types."""
    import typer.completion

    typer.completion.get_completion_inspect_parameters()  # this is what makes the shells known to typer
    try:
        return _invoke(_whole_app(), [], "headnode")
    except Exception:
        return Exit.FAILED


def _new_app() -> Any:
    import typer

    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def _app_of(entry: Entry) -> Any:
    """Return the Typer application of one command."""
    from .options import with_common_options

    app = _new_app()
    module = importlib.import_module(f".commands.{entry.module}", __package__)
    for name, function in entry.functions.items():
        app.command(name or entry.name)(with_common_options(getattr(module, function)))
    return app


def _whole_app() -> Any:
    """Return all commands as one Typer application, which the shells' completion walks."""
    from .options import with_common_options

    app = _new_app()
    for entry in entries():
        if "" not in entry.functions:
            app.add_typer(_app_of(entry), name=entry.name, help=entry.summary)
            continue
        module = importlib.import_module(f".commands.{entry.module}", __package__)
        function = with_common_options(getattr(module, entry.functions[""]))
        app.command(entry.name, help=entry.summary)(function)
    return app


def _unknown(name: str) -> int:
    if name.startswith("-"):
        print(f"headnode: There is no option {name}.", file=sys.stderr)
    else:
        near = difflib.get_close_matches(name, [entry.name for entry in entries()], 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        print(f"headnode: There is no command {name!r}.{hint}", file=sys.stderr)
    print("Try: headnode --help", file=sys.stderr)
    return Exit.USAGE


def _follows(arguments: Sequence[str]) -> bool:
    return any(
        word in ("--follow", "-f") or (word[:1] == "-" and word[1:2] != "-" and "f" in word)
        for word in arguments
    )


def _report(error: BaseException) -> None:
    """Write the traceback to a file that only its owner may read, and say where it is. Tokens are taken out of it."""
    from .paths import state_folder
    from .private_file import write_private

    lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    if token := runtime.given_token():
        lines = lines.replace(token, "[token]")
    text = printable(_TOKEN.sub("[token]", lines))
    try:
        path = state_folder() / "last-failure.txt"
        write_private(path, f"headnode {__version__}, Python {sys.version}\n\n{text}")
        where = f"Please send {path} to whoever runs your portal."
    except (OSError, RuntimeError):
        where = f"{type(error).__name__}: the report could not be written."
    print(
        f"headnode: The portal's answer was not understood, or this program has a fault. {where}",
        file=sys.stderr,
    )


__all__ = ["overview", "run"]
