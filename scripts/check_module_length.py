"""No module over 400 lines: a file that needs a table of contents is several rooms."""

import sys
from pathlib import Path

LIMIT = 400
ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("accounts", "benchmarks", "jobs", "portal", "scripts", "sshgateway", "static/src", "tests")
SUFFIXES = {".py", ".js", ".mjs"}


def main() -> int:
    """Print each module that is too long; answer 1 if there is one."""
    too_long = 0
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in SUFFIXES or "migrations" in path.parts:
                continue
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > LIMIT:
                print(f"{path.relative_to(ROOT)}: {lines} lines, {LIMIT} at most: split it by idea")
                too_long += 1
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
