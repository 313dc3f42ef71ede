"""What sftp is told, with the real sftp and its server on a pipe: no network, no portal."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from portal.cli.headnode_cli import sftp_plan
from portal.cli.headnode_cli.errors import WrongUsage
from tests.waiting import LIMIT

SERVER = "/usr/lib/openssh/sftp-server"  # scripts/system-packages sees to it
NAMES = [
    "plain",
    "-r",
    "two words",
    "a*b",
    "q?x",
    "br[1]",
    "back\\slash",
    "back\\*",
    'quo"te',
    "sin'gle",
    "!id",
    "#x",
]


def sftp(folder: Path, batch: str) -> str:
    """Run a batch between two folders of this computer; return what was complained of."""
    done = subprocess.run(
        [shutil.which("sftp") or "", "-q", "-b", "-", "-D", SERVER],
        input=batch,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=4 * LIMIT,
    )
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("resume", [True, False])
def test_names_arrive_as_they_are(tmp_path: Path, resume: bool) -> None:
    for folder in ("far", "back"):
        (tmp_path / folder).mkdir()
    for name in NAMES:
        (tmp_path / name).write_text(name)
        if resume:
            (tmp_path / "far" / name).touch()  # as MAKE_FILES does
    there = str(tmp_path / "far")
    put = sftp_plan.put_batch([(name, f"{there}/{name}") for name in NAMES], resume=resume)
    assert sftp(tmp_path, put) == ""
    get = "".join(
        sftp_plan.get_batch(f"{there}/{name}", f"back/{name}", recursive=False, resume=False)
        for name in NAMES
    )
    assert sftp(tmp_path, get) == ""
    assert {name: (tmp_path / "back" / name).read_text() for name in NAMES} == {name: name for name in NAMES}
    assert sorted(os.listdir(there)) == sorted(NAMES)


def test_a_name_is_no_option_and_no_second_line() -> None:
    assert sftp_plan.get_batch("-R", "-x", recursive=False, resume=False) == 'get -p "./-R" "./-x"\n'
    for name in ("a\nrm b", "a\rb"):
        with pytest.raises(WrongUsage):
            sftp_plan.get_batch(name, "x", recursive=False, resume=False)
