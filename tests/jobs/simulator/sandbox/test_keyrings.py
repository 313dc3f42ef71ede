"""The kernel's keys of whoever started the simulator stay out of nodes, and clusters share none."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.simulator.node_runtime.namespaces import KEYCTL
from tests.jobs.simulator.simulator_process import Simulator

pytestmark = pytest.mark.skipif(
    not Path("/proc/keys").exists() or os.uname().machine not in KEYCTL, reason="this kernel keeps no keys"
)
# Starts the simulator in a session keyring that holds a key, as pam_keyinit leaves one to whoever logs in.
WITH_A_KEY = """
import ctypes, os, sys
join, add = {keyctl}, {add_key}
libc = ctypes.CDLL(None)
assert libc.syscall(join, 1, b"session-of-the-starter") > 0
assert libc.syscall(add, b"user", sys.argv[1].encode(), b"secret", 6, -3) > 0
os.execv(sys.executable, [sys.executable, "-m", "jobs.simulator"])
"""


@pytest.mark.parametrize("mode", ["bubblewrap", "uid"])
def test_no_node_has_the_starters_keys_or_another_clusters_keyring(
    mode: str, simulators: Callable[..., Simulator], keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    if mode == "uid" and os.geteuid() != 0:
        pytest.skip("only root can become someone else")
    name = f"starter-{secrets.token_hex(4)}"
    start = subprocess.Popen
    numbers = {"x86_64": (250, 248), "aarch64": (219, 217)}[os.uname().machine]
    script = WITH_A_KEY.format(keyctl=numbers[0], add_key=numbers[1])

    def start_with_a_key(command: list[str], **words: object) -> "subprocess.Popen[bytes]":
        is_simulator = command[1:] == ["-m", "jobs.simulator"]
        return start([sys.executable, "-c", script, name] if is_simulator else command, **words)  # type: ignore[call-overload, no-any-return]  # passed on

    monkeypatch.setattr(subprocess, "Popen", start_with_a_key)
    simulator = simulators(HEADNODE_SIMULATOR_SANDBOX=mode)
    monkeypatch.setattr(subprocess, "Popen", start)
    one, other = (simulator.create(each, computes=0) for each in ("Keys01", "Keys02"))
    seen = [made.ssh(keys["alice"], "cat /proc/keys").stdout.decode() for made in (one, other)]
    for text in seen:
        assert name not in text
        assert "session-of-the-starter" not in text
    # The session keyring has a number of its own in each cluster.
    numbers_seen = [{line.split()[0] for line in text.splitlines() if "_ses" in line} for text in seen]
    assert all(numbers_seen)
    assert not numbers_seen[0] & numbers_seen[1]
    simulator.end()
