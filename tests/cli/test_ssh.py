"""ssh, cp, tunnel and config-ssh with the real OpenSSH: a story without a browser, from a key to `ssh headnode-...`."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.people import with_token
from tests.cli.bad_line import BadLine
from tests.cli.installed import Installed, OnTerminal
from tests.stack import Stack, free_port
from tests.waiting import LIMIT, wait_for

pytestmark = pytest.mark.acceptance


def submitted(person: Installed, *options: str) -> str:
    job = person.good(
        "submit", "--command", "while [ ! -e go ]; do sleep 0.2; done", "--hours", "1", *options
    )
    return job.strip()


def test_from_a_key_to_ssh_with_nothing_but_the_command_line(
    engineer: Installed, on_terminal: Callable[[OnTerminal], OnTerminal], tmp_path: Path
) -> None:
    job = submitted(engineer, "--slots", "2")
    # ssh waits for the cluster.
    done = engineer.run("ssh", job, "--", 'hostname; echo "two  words"; cat; exit 7', given="from here\n")
    assert done.returncode == 7, done.stderr
    assert done.stdout.splitlines()[1:] == ["two  words", "from here"]
    assert "authenticity" not in done.stderr
    assert "hn_" not in engineer.good("ssh", job, "--", "env")

    shell = on_terminal(engineer.begin("ssh", "@last"))
    shell.wait_text(f"uprod_{job}@")
    # One process says it and sleeps: between two, Ctrl-C may find only a shell that is about to start the second.
    shell.type("sh -c 'echo $((6*7)); exec sleep 100'\n")
    shell.wait_text(r"\n42")
    shell.type("\x03")
    shell.wait_text(rf"\^C\s*\S*uprod_{job}@")
    shell.type("exit 5\n")
    assert shell.end() == 5
    assert engineer.good("ssh", job, "--node", "compute-1", "--", "echo on $(hostname)").startswith("on ip-")
    assert engineer.run("ssh", job, "--node", "compute-9", "--", "true").returncode == 125

    # Files: names that a shell would read otherwise, folders, and a name that begins like an option.
    names = [
        "plain.dat",
        "two words; $(touch x).dat",
        "-r",
        "\N{LATIN SMALL LETTER E WITH ACUTE}\N{SNOWMAN}.dat",
    ]
    folder = engineer.home / "in put"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(os.urandom(50_000))
    engineer.good("cp", "-r", "in put", f"{job}:work/shared/")
    engineer.good("cp", f"{engineer.home}/in put/-r", f"{job}:work/shared/alone file")
    engineer.good("cp", "-r", f"{job}:work/shared/in put", "back")
    for name in names:
        found = next(path for path in (engineer.home / "back").rglob("*") if path.name == name)
        assert found.read_bytes() == (folder / name).read_bytes()
    assert engineer.run("cp", "in put", f"{job}:work").returncode == 1
    assert engineer.run("cp", "nothing", f"{job}:work").returncode == 1
    assert engineer.run("cp", "a", "b").returncode == 2

    # known-hosts and config-ssh; then plain ssh, without a question.
    assert "@cert-authority" in engineer.good("known-hosts", "[192.0.2.1]:32100")
    handle = json.loads(engineer.good("list", "--json"))[0]["id"] and _handle(engineer, job)
    config = engineer.home / ".ssh/config"
    config.write_text("# mine\nHost elsewhere\n  User me")
    config.chmod(0o644)
    shown = engineer.good("config-ssh", "--dry-run")
    assert f"+Host headnode-{handle}" in shown
    assert config.read_text() == "# mine\nHost elsewhere\n  User me"
    engineer.good("config-ssh")
    assert config.read_text().endswith("\n\n# mine\nHost elsewhere\n  User me")
    assert config.stat().st_mode & 0o777 == 0o644
    once = config.read_text()
    assert "Nothing to change" in engineer.good("config-ssh")
    assert config.read_text() == once
    entries = next((engineer.home / ".ssh/headnode").glob("*.conf"))
    for name in (f"headnode-{handle}", f"headnode-{handle}-compute-1"):
        command = ["ssh", "-F", str(entries), "-o", "BatchMode=yes", name, "hostname"]
        plain = subprocess.run(command, capture_output=True, text=True, timeout=4 * LIMIT, env=engineer.env)
        assert plain.returncode == 0, plain.stderr
        assert plain.stdout.startswith("ip-")

    # The end: outputs come from storage, the entry is pruned, the Include line goes.
    engineer.good("ssh", job, "--", "echo result > ~/work/shared/res.txt; touch ~/work/shared/go")
    assert engineer.run("logs", "-f", job).returncode == 0
    engineer.good("terminate", job)
    wait_for(
        lambda: "Stopped" in engineer.good("list", "-n", "5"), "the cluster has stopped", 2 * LIMIT, every=1
    )
    engineer.good("cp", f"{job}:work/shared/res.txt", "res.txt")
    assert (engineer.home / "res.txt").read_text() == "result\n"
    engineer.good("cp", "-r", f"{job}:work/shared/in put", "stored")
    assert sorted(path.name for path in (engineer.home / "stored").iterdir()) == sorted(names)
    assert engineer.run("cp", "res.txt", f"{job}:work/").returncode == 5
    assert engineer.run("cp", f"{job}:work/shared/none", ".").returncode == 4
    gone = engineer.run("ssh", job)
    assert gone.returncode == 125
    assert "terminated" in gone.stderr
    engineer.good("config-ssh")
    assert f"headnode-{handle}\n" not in entries.read_text()
    engineer.good("config-ssh", "--remove")
    assert config.read_text() == "# mine\nHost elsewhere\n  User me"
    assert not (engineer.home / ".ssh/headnode").exists()


def _handle(person: Installed, job: str) -> str:
    row = next(line for line in person.good("list").splitlines() if line.startswith(job))
    return row.split()[1]


def test_a_tunnel_comes_back_by_itself(
    engineer: Installed, on_terminal: Callable[[OnTerminal], OnTerminal]
) -> None:
    job = submitted(engineer)
    serve = "python3 -m http.server -b 127.0.0.1 8123 >/dev/null 2>&1"
    engineer.good("ssh", job, "--", f"cd work/shared && echo hello > page && (nohup {serve} &)")
    local = free_port()
    tunnel = on_terminal(engineer.begin("tunnel", job, f"{local}:8123"))
    tunnel.wait_text("Ctrl-C ends it")

    def page() -> str | None:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{local}/page", timeout=LIMIT) as answer,
        ):
            return str(answer.read().decode())
        return None

    assert wait_for(page, "the page comes through the tunnel") == "hello\n"
    assert engineer.run("tunnel", job, f"{local}:8123").returncode == 1  # the port is in use
    [child] = [pid for pid in _children(tunnel.pid) if b"-L" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(child, 9)
    tunnel.wait_text("Connecting again")
    assert wait_for(page, "the page comes again") == "hello\n"
    tunnel.type("\x03")
    assert tunnel.end() == 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", local))
    assert engineer.run("tunnel", job, "99999").returncode == 2
    engineer.good("terminate", job)


def _children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


# What ssh calls to reach a server: standard input and output become a connection to a port of this computer.
WAY_OUT = """
import os, socket, sys, threading
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def send():
    while data := os.read(0, 65536):
        line.sendall(data)
threading.Thread(target=send, daemon=True).start()
while data := line.recv(65536):
    os.write(1, data)
"""


def _copied_enough(line: BadLine, mark: int, copying: threading.Thread) -> bool:
    return line.bytes >= mark or not copying.is_alive()


@pytest.mark.parametrize("tool", ["rsync", "sftp"])
def test_cp_is_whole_over_a_line_that_is_cut_ten_times(
    stack: Stack, engineer: Installed, tool: str, tmp_path: Path
) -> None:
    job = submitted(engineer)
    engineer.good("ssh", job, "--", "true")
    [node] = with_token(stack).get(f"/api/v2/jobs/{job}/instances/")["results"]
    line = BadLine(node["sshPort"], node["publicIp"])
    if tool == "sftp":
        # A computer without rsync: the folder of programs has ssh's only.
        programs = tmp_path / "programs"
        programs.mkdir()
        for name in ("ssh", "sftp"):
            (programs / name).symlink_to(shutil.which(name) or "")
        engineer.environment["PATH"] = str(programs)
    content = os.urandom(40_000_000)
    (engineer.home / "big").write_bytes(content)
    # The person's own configuration says how to get out of their network: through the bad line.
    program = engineer.home / "way-out.py"
    program.write_text(WAY_OUT)
    (engineer.home / ".ssh/config").write_text(
        f"Host *\n  ProxyCommand {sys.executable} {program} {line.port}\n"
    )
    try:
        for source, target in (("big", f"{job}:work/shared/big"), (f"{job}:work/shared/big", "back")):
            printed: list[subprocess.CompletedProcess[str]] = []

            def copy(words: tuple[str, str], printed: list[Any] = printed) -> None:
                printed.append(engineer.run("cp", *words, limit=300))

            copying = threading.Thread(target=copy, args=[(source, target)])
            copying.start()
            for number in range(10):
                mark = line.bytes + 2_000_000
                wait_for(partial(_copied_enough, line, mark, copying), "more was copied", 2 * LIMIT)
                line.cut()
                if number in (2, 6):
                    stack.kill("web")
            copying.join(300)
            assert printed[0].returncode == 0, printed[0].stderr
            assert "going on from where it was" in printed[0].stderr
        assert (
            hashlib.sha256((engineer.home / "back").read_bytes()).digest() == hashlib.sha256(content).digest()
        )
    finally:
        line.close()
        engineer.run("terminate", job)
