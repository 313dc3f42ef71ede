"""A job's files while it runs, against plain tools over the same loopback: browse, zip and collect.

A node has a folder of 20,000 files and one of 10,000 files of 4 kB. Listing the first by the REST API is compared with
`sftp` that prints it, the second as a zip with `rsync -a`, and collecting it into storage with the same `rsync -a`.

Run: `.venv/bin/python -m benchmarks.files`. Prints seconds, their ratios, and the memory of the web process.
"""

import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tests.acceptance.people import Person, with_token
from tests.stack import running
from tests.waiting import wait_for

COMMAND = (
    "mkdir many small; cd many; seq -f 'file %05g' 1 20000 | xargs -d '\\n' touch; cd ../small; "
    "head -c 40960000 /dev/urandom | split -b 4096 -a 4 -; cd ..; touch ready; "
    "until [ -e go ]; do sleep 0.2; done; rm -r many"
)
ROUNDS = 3


def seconds(act: Callable[[], object]) -> float:
    """Return the median of a few rounds."""
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        act()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def downloaded(person: Person, path: str) -> int:
    """Read an answer to its end; return its size."""
    request = urllib.request.Request(
        person.stack.base_url.rstrip("/") + path, headers={"Authorization": f"Token {person.token}"}
    )
    size = 0
    with urllib.request.urlopen(request, timeout=300) as response:
        while chunk := response.read(1 << 20):
            size += len(chunk)
    return size


def resident_mb(pid: int) -> float:
    """Return the memory of a process."""
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def collected_in(person: Person, job: str) -> float:
    """Return the seconds between the log's first and last line about the files."""
    at = {
        word: next(event["time"] for event in person.events(job) if event["message"].startswith(word))
        for word in ("Storing ", "Stored ")
    }
    first, last = (datetime.fromisoformat(at[word]) for word in ("Storing ", "Stored "))
    return (last - first).total_seconds()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="hn-bench-") as name:
        folder = Path(name)
        key = folder / "id"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        with running(folder / "var") as stack:
            person = with_token(stack)
            line = Path(f"{key}.pub").read_text()
            person.call("POST", "/api/v2/users/me/ssh-keys/", {"name": "bench", "publicKey": line})
            person.call("POST", "/api/v2/users/me/access-rules/", {"cidr": "127.0.0.0/8"})
            job = person.submit(COMMAND)
            person.wait_for_message(job, "Launched the command", 300)
            base = f"/api/v2/jobs/{job}"
            ready = f"{base}/tree/?path=shared/ready"
            wait_for(lambda: person.call("GET", ready)[0] == 409, "the files are made", 600, every=0.5)
            ssh = person.ssh_config(job, key, folder)
            options = ["-q", "-F", str(ssh.config), "-P", str(ssh.port)]
            before = resident_mb(stack.pids["web"])

            browse = seconds(lambda: person.get(f"{base}/tree/?path=shared/many"))
            sftp = seconds(
                lambda: subprocess.run(
                    ["sftp", *options, "-b", "-", ssh.where],
                    input=b"ls -ln work/shared/many\n",
                    stdout=subprocess.DEVNULL,
                    check=True,
                )
            )
            print(
                f"a folder of 20,000: {browse:.2f} s, sftp {sftp:.2f} s, ratio {browse / sftp:.2f}",
                flush=True,
            )

            zipped = seconds(lambda: downloaded(person, f"{base}/archive/?path=shared/small"))
            shell = f"ssh -q -F {ssh.config} -p {ssh.port}"
            rounds = iter(range(ROUNDS))

            def rsync() -> None:
                to = folder / f"copy{next(rounds)}"
                command = ["rsync", "-a", "-e", shell, f"{ssh.where}:work/shared/small/", f"{to}/"]
                subprocess.run(command, check=True)

            copied = seconds(rsync)
            print(
                f"10,000 files of 4 kB as a zip: {zipped:.1f} s, rsync {copied:.1f} s, ratio {zipped / copied:.1f}"
            )
            print(
                f"memory of web: {before:.0f} MB before, {resident_mb(stack.pids['web']):.0f} MB after",
                flush=True,
            )

            person.call("PUT", f"{base}/tree/content/?path=shared/go", "")
            person.wait_for_message(job, "Job completed", 300)
            stored = collected_in(person, job)
            print(f"10,000 files of 4 kB collected: {stored:.1f} s, ratio to rsync {stored / copied:.1f}")


if __name__ == "__main__":
    main()
