"""The unpacker, as the SSH server would run it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs.remote.answer import new_marker, parse_answer
from jobs.remote.archive_limits import ArchiveLimits
from jobs.remote.command_runner import PROGRAM_COMMAND, UNPACKER_SOURCE
from tests.jobs.remote.archives import SMALL, Unpack
from tests.waiting import LIMIT


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """The shared work directory of a node."""
    folder = tmp_path / "work/shared"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def unpack(tmp_path: Path, shared: Path) -> Unpack:
    """One request to the program in a home of its own, as the SSH server would run it."""

    def ask(*names: str, limits: ArchiveLimits = SMALL) -> dict[str, Any]:
        marker = new_marker()
        request = {"verb": "unpack", "names": names, "limits": limits.as_json(), "source": UNPACKER_SOURCE}
        done = subprocess.run(
            ["/bin/sh", "-c", PROGRAM_COMMAND],
            input=json.dumps({**request, "marker": marker}).encode(),
            capture_output=True,
            env={"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
            timeout=2 * LIMIT,
        )
        answer = parse_answer(done.stdout, marker, done.returncode, done.stderr)
        return {**answer, "refused": {names[at]: why for at, why in answer["refused"]}}

    return ask
