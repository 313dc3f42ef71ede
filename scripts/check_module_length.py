"""No module over 400 lines, and no line over 200 characters in templates and style sheets.

A file that needs a table of contents is several rooms; a line that does not fit a screen is not read.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MOST_LINES = 400
LONGEST_LINE = 200
ROOT = Path(__file__).resolve().parent.parent


def tracked(*patterns: str) -> list[Path]:
    """The files of ours that git knows or would add."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).exists()]


def problems() -> Iterator[str]:
    """What is too long, a sentence each."""
    for path in tracked("*.py", "static/src/*.js", "static/*.mjs"):
        lines = len(path.read_text().splitlines())
        if lines > MOST_LINES and "migrations" not in path.parts:
            yield f"{path.relative_to(ROOT)} has {lines} lines; {MOST_LINES} is the limit: it holds several ideas."
    for path in tracked("templates/*.html", "static/src/*.css"):
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if len(line) > LONGEST_LINE:
                yield f"{path.relative_to(ROOT)}:{number} has {len(line)} characters; {LONGEST_LINE} is the limit."


if __name__ == "__main__":
    found = list(problems())
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)
