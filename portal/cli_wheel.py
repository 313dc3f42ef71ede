"""Build the wheel of the command line from our own source.

The wheel is built when it is first asked for, and again when the source changes: so it is always the portal's own
version, no step of set-up can be forgotten, and a portal nobody installs from builds nothing. The build needs no
network and half a second. Processes that build at the same time make the same bytes; the last one wins.
"""

import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from functools import lru_cache
from pathlib import Path
from threading import Lock

from django.conf import settings

SOURCE = Path(__file__).resolve().parent / "cli"
BUILD_SECONDS = 60
_one_build = Lock()

# pip and uv read a wheel's version from its name and so refuse `headnode-latest.whl`. A source archive may have any
# name: this one holds the finished wheel, and hands it over when it is asked to build one.
_BACKEND = '''"""Hands over the wheel beside it."""
import pathlib
import shutil

WHEEL = next(pathlib.Path(__file__).resolve().parent.glob("*.whl"))


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    shutil.copy(str(WHEEL), wheel_directory)
    return WHEEL.name
'''
_PROJECT = '[build-system]\nrequires = []\nbuild-backend = "hand_over"\nbackend-path = ["."]\n'


class BuildFailed(Exception):
    """Raised when the wheel cannot be built. The message is for the log."""


@lru_cache
def version() -> str:
    """Return the version of the command line, which is the portal's."""
    text = (SOURCE / "headnode_cli" / "__init__.py").read_text()
    found = re.search(r'^__version__ = "([0-9a-z.]+)"$', text, re.MULTILINE)
    if found is None:
        raise BuildFailed("portal/cli/headnode_cli/__init__.py says no version.")
    return found.group(1)


def wheel_name() -> str:
    """Return the file name of the wheel."""
    return f"headnode-{version()}-py3-none-any.whl"


def wheel() -> Path:
    """Return the wheel of the present source, built if need be. Raises BuildFailed."""
    folder = Path(settings.VAR) / "cli" / _digest()
    path = folder / wheel_name()
    if path.exists():
        return path
    with _one_build:
        if not path.exists():
            _build(folder)
    if not path.exists():
        raise BuildFailed(f"The build made no {path.name}.")
    return path


def source_archive() -> bytes:
    """Return a source archive that installs the wheel and needs nothing to do so. Raises BuildFailed."""
    built = wheel()
    root = f"headnode-{version()}"
    metadata = f"Metadata-Version: 2.1\nName: headnode\nVersion: {version()}\n"
    files = {
        "PKG-INFO": metadata.encode(),
        "hand_over.py": _BACKEND.encode(),
        "pyproject.toml": _PROJECT.encode(),
        built.name: built.read_bytes(),
    }
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{root}/{name}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _digest() -> str:
    """Return what the source is, so that a changed one is built anew."""
    total = hashlib.sha256()
    for path in sorted([*SOURCE.glob("pyproject.toml"), *(SOURCE / "headnode_cli").rglob("*.py")]):
        total.update(f"{path.relative_to(SOURCE)}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def _build(folder: Path) -> None:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as work:
        source, made = Path(work) / "source", Path(work) / "made"
        # A copy, because the builder asks git what to leave out, and the source may be read-only.
        shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
        command = [sys.executable, "-I", "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)]
        try:
            done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=BUILD_SECONDS)
        except subprocess.TimeoutExpired:
            raise BuildFailed(f"hatchling did not end within {BUILD_SECONDS} s.") from None
        if done.returncode:
            raise BuildFailed(f"hatchling failed: {done.stderr[-2000:]}")
        folder.mkdir(mode=0o700, exist_ok=True)
        for path in made.glob("*.whl"):
            os.replace(path, folder / path.name)
    for old in folder.parent.iterdir():
        if old != folder and not old.name.startswith("."):
            shutil.rmtree(old, ignore_errors=True)
