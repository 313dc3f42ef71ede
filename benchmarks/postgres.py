"""A PostgreSQL of the benchmarks' own, where one is installed."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "with-postgres"


@contextmanager
def server() -> Iterator[str | None]:
    """The address of a database on a new server, gone afterwards; None where there is no server program."""
    line = [str(SCRIPT), "sh", "-c", 'echo "$HEADNODE_TEST_DATABASE_URL"; read line']
    with subprocess.Popen(
        line,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip() or None
        process.stdin.close()
