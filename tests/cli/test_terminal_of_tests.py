"""The terminal that tests drive the command line on: what a program printed at its end is all read."""

import os
from pathlib import Path

from tests.cli.installed import OnTerminal


def test_everything_is_read_also_what_was_printed_last(tmp_path: Path) -> None:
    # More than a terminal gives at once, and letters that it cuts in two.
    line = "\N{SNOWMAN}" * 39
    program = OnTerminal(
        ["sh", "-c", f"for i in $(seq 400); do echo {line}; done"], dict(os.environ), tmp_path
    )
    assert program.end() == 0
    assert program.shown == f"{line}\n" * 400
