"""Storing a job's output files, against `scp -r` of the same files from the same node.

Two jobs: one leaves ten thousand small files (2 kB), one a single file of 1 GB. Their head nodes are kept, so that
after the portal has stored the files (to its disk, with a checksum and a row for each) plain scp copies them, too.

Run: `.venv/bin/python -m benchmarks.collecting`. Prints seconds and their ratios.
"""

import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path

from tests.acceptance.people import Person, with_token
from tests.stack import running

JOBS = {
    "ten thousand files of 2 kB": "mkdir out; cd out; head -c 20000000 /dev/urandom | split -b 2000 -a 4 -",
    "one file of 1 GB": "mkdir out; head -c 1000000000 /dev/urandom > out/big",
}
LIMIT_SECONDS = 300


def seconds_to_store(person: Person, command: str) -> tuple[str, float]:
    """Run the command; return the job, and the seconds between the log's first and last line about its files."""
    job = person.submit(command)
    person.wait_for_message(job, "Job completed", LIMIT_SECONDS)
    at = {
        word: next(event["time"] for event in person.events(job) if event["message"].startswith(word))
        for word in ("Storing ", "Stored ")
    }
    first, last = (datetime.fromisoformat(at[word]) for word in ("Storing ", "Stored "))
    return job, (last - first).total_seconds()


def seconds_to_copy(person: Person, job: str, key: Path, folder: Path) -> float:
    """Return the seconds that `scp -r` takes."""
    ssh = person.ssh_config(job, key, folder)
    source = f"{ssh.where}:work/shared/out"
    start = time.perf_counter()
    subprocess.run(
        ["scp", "-q", "-r", "-F", str(ssh.config), "-P", str(ssh.port), source, str(folder / job)], check=True
    )
    return time.perf_counter() - start


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
            person.call("PATCH", "/api/v2/users/me/job-settings/", {"autoTerminateCluster": False})
            for what, command in JOBS.items():
                job, stored = seconds_to_store(person, command)
                copied = seconds_to_copy(person, job, key, folder)
                print(f"{what}: {stored:.1f} s, scp {copied:.1f} s, ratio {stored / copied:.2f}", flush=True)
                person.call("POST", f"/api/v2/jobs/{job}/stop/")
                person.wait_for_cluster(job, "Stopped")


if __name__ == "__main__":
    main()
