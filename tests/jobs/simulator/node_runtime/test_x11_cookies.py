"""~/.Xauthority: all nodes share one home, and a client takes the first cookie that fits."""

import os
import subprocess
from pathlib import Path

from jobs.simulator.node_runtime.xauthority import packed, xauthority_entries
from tests.jobs.simulator.simulator_process import Cluster
from tests.waiting import LIMIT


def cookies(cluster: Cluster, key: Path, node: str = "head") -> list[list[str]]:
    """Return the file's entries after an X11 login, in their order: display, protocol, cookie."""
    command = cluster.command(key, "xauth -n -f ~/.Xauthority list", node=node, extra=("-Y",))
    environment = {**os.environ, "DISPLAY": "localhost:99"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=2 * LIMIT)
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_a_later_session_is_not_given_an_earlier_ones_cookie(cluster: Cluster, keys: dict[str, Path]) -> None:
    hosts = {name: node["hostname"] for name, node in cluster.nodes().items()}
    [[display, protocol, first]] = cookies(cluster, keys["alice"])
    assert (display, protocol) == (f"{hosts['head']}/unix:10", "MIT-MAGIC-COOKIE-1")
    [[again, _, second]] = cookies(cluster, keys["alice"])
    assert again == display and second != first
    on_both = cookies(cluster, keys["alice"], "compute-1")
    assert [line[0] for line in on_both] == [f"{hosts['compute-1']}/unix:10", display]
    cluster.ssh(keys["alice"], "rm -f ~/.Xauthority")


def test_what_is_broken_in_the_file_is_passed_over() -> None:
    whole = b"\x01\x00" + packed(b"host", b"10", b"MIT-MAGIC-COOKIE-1", b"c" * 16)
    assert xauthority_entries(whole * 2) == [whole, whole]
    assert xauthority_entries(whole + whole[:-1]) == [whole]
    assert xauthority_entries(b"\xff" * 9) == []
    assert xauthority_entries(b"") == []
