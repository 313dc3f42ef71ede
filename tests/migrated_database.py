"""A SQLite database with every migration applied, made once for a state of the code and copied wherever one is needed.

Applying all migrations takes several seconds of processor time, and a run of the tests needs some thirty databases. The
copy is what `manage.py migrate` made, without what belongs to one portal alone: its id and the keys of its authorities,
which are sealed under its secret. Whoever gets it still migrates, finds nothing left to apply, and makes these anew.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".pytest_cache" / "migrated-databases"
OF_ONE_PORTAL = ("jobs_portalmark", "sshgateway_authoritykey")
PACKAGES = ("accounts", "jobs", "portal", "sshgateway")


def copy_to(target: Path) -> None:
    """Put a migrated database at this path, where there is none yet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_made(), target)


def _made() -> Path:
    """Return the database of this state of the code; make it first if there is none."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = FOLDER / f"{_digest()}.sqlite3"
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the test processes begin together
        if not made.exists():
            for old in FOLDER.glob("*.sqlite3"):
                old.unlink()
            _migrate(made)
    return made


def _digest() -> str:
    """What a migrated database depends on: our code and the packages' versions."""
    digest = hashlib.sha256((ROOT / "requirements.txt").read_bytes() + Path(__file__).read_bytes())
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:32]


def _migrate(made: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kept = {
            name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")
        }
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"],
            cwd=ROOT,
            env=kept | {"HEADNODE_VAR": folder, "HEADNODE_DEMO": "1", "HEADNODE_SECRET_KEY": "x" * 64},
            check=True,
        )
        with contextlib.closing(sqlite3.connect(Path(folder, "db.sqlite3"))) as connection, connection:
            for table in OF_ONE_PORTAL:
                connection.execute(f"DELETE FROM {table}")  # our own names
        # The journal goes into the file when the last connection closes: the copy is whole.
        assert not Path(folder, "db.sqlite3-wal").exists()
        os.replace(shutil.move(Path(folder, "db.sqlite3"), f"{made}.new"), made)
