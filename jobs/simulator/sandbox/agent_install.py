"""Choose an interpreter for the agent and compile the agent for it."""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

COMPILE_SECONDS = 60
START = """import os, sys
sys.path.insert(0, os.path.dirname(sys.argv[0]))
from jobs.simulator.node_runtime.agent import main
main()
"""
COMPILE = """import sys, py_compile, ctypes, termios, fcntl, resource, threading
sys.version_info >= (3, 9) or sys.exit(1)
for source, target in zip(sys.argv[1::2], sys.argv[2::2]): py_compile.compile(source, target, doraise=True)
"""
AGENT_FILE = "agent.pyc"
# The last folder of a node's PATH: names that programs expect and the machine may lack.
PROGRAMS_FOLDER = "bin"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
# What runs inside a node; the rest of `node_runtime` is the launcher's.
AGENT_MODULES = (
    "agent.py",
    "child_ends.py",
    "home_files.py",
    "kept_memory.py",
    "limits_guard.py",
    "process_limits.py",
    "programs.py",
    "sockets.py",
    "syscall_filter.py",
    "terminal_modes.py",
    "xauthority.py",
)


@dataclass(frozen=True)
class Python:
    """An interpreter for the agent and, if it is not below /usr, the folder that nodes must be shown with it."""

    path: str
    prefix: str | None


def find_pythons() -> list[Python]:
    """Return interpreters that could run the agent, the machine's own first: every sandbox shows it as it is."""
    usual = ("/usr/bin/python3", "/usr/local/bin/python3")
    found = [
        Python(path, None)
        for path in usual
        if os.path.exists(path) and os.path.realpath(path).startswith("/usr/")
    ]
    real = os.path.realpath(sys.executable)
    prefix = os.path.realpath(sysconfig.get_config_var("base") or sys.base_prefix)
    if real.startswith("/usr/"):
        found.append(Python(real, None))
    elif real.startswith(prefix + "/") and prefix != "/":
        found.append(Python(real, prefix))
    return found


def install_python_name(python: Python, run: Path) -> None:
    """Make `python` mean Python 3 on nodes, as scripts written elsewhere expect. A `python` of the machine wins."""
    folder = run / PROGRAMS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o755)  # noqa: S103 - nodes, as other users, start programs from here
    name = folder / "python"
    name.unlink(missing_ok=True)
    name.symlink_to(shutil.which("python3", path=SYSTEM_PATH) or python.path)


def runtime_digest() -> str:
    """Return what launchers and agents are made of: those of another version are not taken up after a restart."""
    digest = hashlib.sha256()
    for source in sorted((Path(__file__).parents[1] / "node_runtime").glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def install_agent(python: Python, run: Path) -> bool:
    """Compile the agent for an interpreter into the folder that nodes see. Return False if it cannot run there."""
    sources = Path(__file__).parents[1] / "node_runtime"
    folder = run / "jobs" / "simulator" / "node_runtime"
    folder.mkdir(parents=True, exist_ok=True)
    for readable in (folder, *folder.parents[:2], run):
        os.chmod(readable, 0o755)  # noqa: S103 - nodes, as other users, read the agent here
    start = folder / "start.py"
    start.write_text(START)
    compiled = {start: run / AGENT_FILE}
    for source in (sources / name for name in AGENT_MODULES):
        compiled[source] = folder / f"{source.stem}.pyc"
    arguments = [str(path) for pair in compiled.items() for path in pair]
    try:
        done = subprocess.run(
            [python.path, "-I", "-S", "-c", COMPILE, *arguments],
            capture_output=True,
            timeout=COMPILE_SECONDS,
            env={"PATH": "/usr/bin:/bin"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    start.unlink()
    install_python_name(python, run)
    if done.returncode == 0:
        for target in compiled.values():
            os.chmod(target, 0o644)
    return done.returncode == 0
