"""From submit to "Instance ready", against the plain floor of starting one SSH server in a sandbox.

Both are measured in turns in the same run, with HEADNODE_SIMULATOR_BOOT=instant:

- portal: POST submit/ until the connection message arrives on the job's websocket. Between the two lie the order, a
  sandbox, a host key made on the node, the report through the broker, certificates, and the portal's own login.
- floor: bubblewrap + OpenSSH's sshd started by hand with keys that lie ready, until one `ssh true` has succeeded.

Run: `.venv/bin/python -m benchmarks.provision [RUNS]`. Prints medians and their ratio.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from websockets.sync.client import connect

from tests.acceptance.people import Person, with_token
from tests.stack import Stack, free_port, running
from tests.waiting import wait_for

RUNS = 20
ADDRESS = "127.0.0.1"


def submit_until_ready(stack: Stack, person: Person) -> float:
    """Seconds from submit to the connection message, as a follower of the log sees it."""
    hardware = {"coreType": "emerald", "coresPerSlot": 1, "slots": 1, "walltime": 1}
    analysis = {"code": "user_included", "version": "0"}
    body = {
        "name": "benchmark",
        "jobanalyses": [{"analysis": analysis, "command": "true", "hardware": hardware}],
    }
    job = person.call("POST", "/api/v2/jobs/", body)[1]["id"]
    url = stack.base_url.replace("http", "ws", 1) + f"ws/jobs/{job}/events/?after=0"
    with connect(url, additional_headers={"Authorization": f"Token {person.token}"}) as socket:
        start = time.perf_counter()
        assert person.call("POST", f"/api/v2/jobs/{job}/submit/")[0] == 200
        while "Instance ready" not in json.loads(socket.recv(timeout=60)).get("message", ""):
            pass
        took = time.perf_counter() - start
    person.wait_for_cluster(job, "Stopped")
    return took


class Floor:
    """sshd in a bubblewrap sandbox, by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("host", "user"):
            line = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
            subprocess.run(line, check=True)
        (folder / "authorized_keys").write_text((folder / "user.pub").read_text())
        (folder / "passwd").write_text(
            "job:x:1500:1500::/home:/bin/bash\nroot:x:0:0::/:/bin/sh\nsshd:x:1500:1500::/:/bin/sh\n"
        )
        (folder / "group").write_text("job:x:1500:\nroot:x:0:\ntty:x:1500:\n")

    def start_until_true(self) -> float:
        """Seconds from the start of the sandbox to the end of one `ssh true`."""
        port = free_port()
        (self.folder / "sshd_config").write_text(
            f"ListenAddress {ADDRESS}\nPort {port}\nHostKey /mnt/host\nAuthorizedKeysFile /mnt/authorized_keys\n"
            "PidFile none\nUsePAM no\nStrictModes no\nUseDNS no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        )
        (self.folder / "known_hosts").write_text(
            f"[{ADDRESS}]:{port} {(self.folder / 'host.pub').read_text()}"
        )
        sandbox = [
            "bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/run",
            "--ro-bind", str(self.folder), "/mnt", "--ro-bind", str(self.folder / "passwd"), "/etc/passwd",
            "--ro-bind", str(self.folder / "group"), "/etc/group", "--unshare-user", "--uid", "1500", "--gid", "1500",
            "--unshare-pid", "--unshare-uts", "--unshare-ipc", "--hostname", "floor", "--die-with-parent", "--clearenv",
        ]  # fmt: skip
        login = [
            "ssh", "-F", "none", "-i", str(self.folder / "user"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
            "-o", f"UserKnownHostsFile={self.folder / 'known_hosts'}", "-o", "LogLevel=ERROR", "-p", str(port),
            f"job@{ADDRESS}", "true",
        ]  # fmt: skip
        start = time.perf_counter()
        server = subprocess.Popen(
            [*sandbox, "/usr/sbin/sshd", "-D", "-f", "/mnt/sshd_config"], stderr=subprocess.DEVNULL
        )
        try:
            wait_for(
                lambda: subprocess.run(login, stderr=subprocess.DEVNULL).returncode == 0,
                "sshd lets us in",
                20,
                0.005,
            )
            return time.perf_counter() - start
        finally:
            server.kill()
            server.wait()


def main() -> None:
    """Measure in turns and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory(prefix="hn-bench-") as name:
        folder = Path(name)
        (folder / "floor").mkdir()
        floor = Floor(folder / "floor")
        with running(folder / "var") as stack:
            person = with_token(stack)
            submit_until_ready(stack, person)
            floor.start_until_true()
            portal_times, floor_times = [], []
            for _ in range(runs):
                portal_times.append(submit_until_ready(stack, person))
                floor_times.append(floor.start_until_true())
    ours, plain = statistics.median(portal_times), statistics.median(floor_times)
    print(f"cores {os.cpu_count()}, runs {runs}, HEADNODE_SIMULATOR_BOOT=instant")
    for what, times in (
        ("submit -> Instance ready", portal_times),
        ("sandbox + sshd + one ssh true", floor_times),
    ):
        spread = f"(best {min(times):.3f}, worst {max(times):.3f})"
        print(f"{what}, median: {statistics.median(times):.3f} s {spread}")
    print(f"ratio: {ours / plain:.2f}")


if __name__ == "__main__":
    main()
