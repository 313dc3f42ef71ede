"""Whoever read the output has gone, as in `headnode logs JOB | head -1`: that is no failure."""

from __future__ import annotations

import os
import sys


class OutputClosed(Exception):
    """Raised for BrokenPipeError inside a command. click would make status 1 of that, without a word."""


def forget_output() -> None:
    """Lead the output nowhere, so that Python does not complain when it ends and has some left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
