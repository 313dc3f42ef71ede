"""The command line against what it stands on: Python's own start, rsync by hand, and the API read without printing.

All are measured in turns in the same run, on the real portal and a simulated node:

- start: `headnode --help` and `headnode --version` against `python -c pass` of the same environment; `headnode list`,
  which loads the HTTP client and asks the portal, for comparison.
- cp: one large file and many small ones, to the node and back, against rsync over an ssh with the same settings.
- logs: lines per second of `headnode logs --raw`, against reading the same pages with httpx and throwing them away.

Run: `.venv/bin/python -m benchmarks.cli [MB] [FILES]`. Prints medians and ratios.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx

from tests.acceptance.people import Person, with_token
from tests.cli.conftest import DEPENDENCIES
from tests.cli.installed import Installed, copy_packages, empty_environment, requirements_of, site_packages_of
from tests.stack import Stack, running

MEGABYTES, FILES, RUNS, STARTS = 1000, 10_000, 3, 20
LINES = 1800  # the Job Log keeps about the first 2000 lines of a program


def seconds(run: Callable[[], object]) -> float:
    """How long a call takes."""
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def compare(title: str, runs: int, ours: Callable[[], object], floor: Callable[[], object]) -> None:
    """Measure two calls in turns, and print their medians and ratio."""
    times: list[tuple[float, float]] = [(seconds(ours), seconds(floor)) for _ in range(runs)]
    mine, theirs = (statistics.median(pair[index] for pair in times) for index in (0, 1))
    print(f"{title}: {mine:.3f} s, floor {theirs:.3f} s, ratio {mine / theirs:.2f}", flush=True)


def install(stack: Stack, folder: Path, token: str) -> Installed:
    """Install the command line from the portal, and sign in."""
    programs = empty_environment(folder / "environment")
    copy_packages(requirements_of(DEPENDENCIES), site_packages_of(folder / "environment"))
    pip = [sys.executable, "-m", "pip", "--python", str(programs / "python")]
    pip += ["-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-index", f"{stack.base_url}cli/headnode-latest.tar.gz"], check=True)
    subprocess.run(
        [str(programs / "python"), "-m", "compileall", "-q", str(folder / "environment")], check=False
    )
    (folder / "home/.ssh").mkdir(parents=True, mode=0o700)
    person = Installed(programs / "headnode", folder / "home")
    person.good("login", stack.base_url, "--with-token", given=token)
    key = folder / "home/.ssh/id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    settings = folder / "home/.config/headnode/config.toml"
    settings.write_text(f'identity_file = "{key}"\n{settings.read_text()}')
    person.good("keys", "add")
    return person


def start_times(person: Installed) -> None:
    """`python -c pass` is what no program of Python's can beat."""
    python = str(person.program.parent / "python")

    def floor() -> object:
        return subprocess.run([python, "-c", "pass"], env=person.env, check=True)

    for arguments in (["--help"], ["--version"], ["list"]):
        compare(f"headnode {arguments[0]}", STARTS, partial(person.good, *arguments), floor)


def copies(person: Installed, job: str, megabytes: int, files: int) -> None:
    """Copy to a fresh place each time, both ways, by cp and by rsync."""
    large, many = person.home / "large", person.home / "many"
    with large.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))
    many.mkdir()
    for number in range(files):
        (many / f"{number}.dat").write_bytes(os.urandom(1000))
    person.good("config-ssh")
    config = next((person.home / ".ssh/headnode").glob("*.conf"))
    target = next(line.split()[1] for line in config.read_text().splitlines() if line.startswith("Host "))

    def rsync(*words: str) -> None:
        command = ["rsync", "-rtpl", "-s", "-e", f"ssh -F {config}", *words]
        subprocess.run(command, env=person.env, cwd=person.home, check=True, capture_output=True)

    def cp(*words: str) -> None:
        person.run("cp", "-r", *words, limit=900).check_returncode()

    def fresh(name: str) -> str:
        person.good("ssh", job, "--", f"rm -rf work/{name}")
        shutil.rmtree(person.home / "back", ignore_errors=True)
        (person.home / "back").mkdir()
        return f"work/{name}"

    for title, name in ((f"{megabytes} MB", "large"), (f"{files} files of 1 kB", "many")):
        times: dict[str, list[float]] = {"cp up": [], "rsync up": [], "cp down": [], "rsync down": []}
        for _ in range(RUNS):
            place = fresh(name)
            times["cp up"].append(seconds(partial(cp, name, f"{job}:{place}")))
            times["cp down"].append(seconds(partial(cp, f"{job}:{place}", "back/a")))
            place = fresh(name)
            times["rsync up"].append(seconds(partial(rsync, name, f"{target}:{place}")))
            times["rsync down"].append(seconds(partial(rsync, f"{target}:{place}", "back/b")))
        medians = {what: statistics.median(taken) for what, taken in times.items()}
        for way in ("up", "down"):
            mine, theirs = medians[f"cp {way}"], medians[f"rsync {way}"]
            print(
                f"cp {way}, {title}: {mine:.2f} s, rsync {theirs:.2f} s, ratio {mine / theirs:.2f}",
                flush=True,
            )


def log_lines(person: Installed, reader: Person) -> None:
    """Print the log of a program that printed much."""
    job = person.good("submit", "--command", f"seq {LINES}").strip()
    person.run("logs", "-f", job)
    printed = 0

    def ours() -> None:
        nonlocal printed
        printed = len(person.good("logs", job).splitlines())

    def floor() -> None:
        with httpx.Client(headers={"Authorization": f"Token {reader.token}"}) as client:
            url: str | None = f"{reader.stack.base_url}api/v2/jobs/{job}/events/?limit=1000"
            while url:
                url = client.get(url).json()["next"]

    mine, theirs = min(seconds(ours) for _ in range(5)), min(seconds(floor) for _ in range(5))
    print(f"logs: {printed / mine:.0f} lines/s with its start, reading alone {printed / theirs:.0f} lines/s")


def main() -> None:
    """Measure and print."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES
    files = int(sys.argv[2]) if len(sys.argv) > 2 else FILES
    print(f"cores {os.cpu_count()}, HEADNODE_SIMULATOR_BOOT=instant")
    with tempfile.TemporaryDirectory(prefix="hn-bench-") as name, running(Path(name) / "var") as stack:
        reader = with_token(stack)
        reader.call("POST", "/api/v2/users/me/access-rules/", {"cidr": "127.0.0.0/8", "note": "benchmark"})
        person = install(stack, Path(name), reader.token)
        start_times(person)
        log_lines(person, reader)
        job = person.good("submit", "--command", "sleep 7200", "--hours", "2").strip()
        person.good("ssh", job, "--", "true")
        copies(person, job, megabytes, files)
        person.good("terminate", job)


if __name__ == "__main__":
    main()
