"""What one tick of the loop costs with 100, 1,000 and 10,000 clusters of which 20 are due.

A tick has two parts: the sweep (its query, and a message for each due row) and the passes it starts (claim, observe,
decide, act, release), made here one after the other on a cloud that answers at once. Most of the other rows are
Stopped, as in practice; a fifth are live and due later. Three processes, each with a database of one size, tick in
turns; the ratio to the smallest is computed within each turn, so that a busy machine affects all alike. More than
20 % over the smallest is printed as TOO MUCH and makes the exit status 1.

Run: `.venv/bin/python -m benchmarks.tick [ROUNDS]`: on SQLite, then on a PostgreSQL of its own (scripts/with-postgres).
Prints the plan of the sweep's query, and medians.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from accounts.models import User

ROOT = Path(__file__).resolve().parent.parent
SIZES = (100, 1_000, 10_000)
DUE = 20
ROUNDS = 40
WARM = 2
TRIES = 3
MOST = 1.20
ROLE = "HEADNODE_TICK_ROLE"


def measure(rounds: int) -> bool:
    """Let the three tick in turns and print the table. Return whether no size costs too much."""
    with tempfile.TemporaryDirectory(prefix="hn-bench-") as name:
        tickers = {size: Ticker(size, Path(name)) for size in SIZES}
        try:
            vendor, *_ = [ticker.read() for ticker in tickers.values()]
            plans = {size: ticker.read() for size, ticker in tickers.items()}
            turns = [{size: ticker.tick() for size, ticker in tickers.items()} for _ in range(WARM + rounds)]
        finally:
            for ticker in tickers.values():
                ticker.end()
    turns = turns[WARM:]
    print(f"{vendor}, {rounds} rounds, cores {os.cpu_count()}, {DUE} rows due")
    for size, plan in plans.items():
        print(f"  plan at {size}: {plan}")
    print("  rows       sweep           20 passes       tick            tick, ratio to the smallest")
    is_fine = True
    for size in SIZES:
        ratio = statistics.median(sum(turn[size]) / sum(turn[SIZES[0]]) for turn in turns)
        is_fine = is_fine and ratio <= MOST
        parts = [[turn[size][0] for turn in turns], [turn[size][1] for turn in turns]]
        cells = [*map(statistics.median, parts), statistics.median(sum(turn[size]) for turn in turns)]
        row = "  ".join(f"{cell * 1000:9.2f} ms  " for cell in cells)
        print(f"  {size:<6}{row}   {ratio:.2f}{'' if ratio <= MOST else '  TOO MUCH'}")
    return is_fine


class Ticker:
    """A process with a database of one size that ticks on request."""

    def __init__(self, size: int, folder: Path) -> None:
        var = folder / str(size)
        var.mkdir()
        environment = dict(os.environ) | {
            "HEADNODE_VAR": str(var),
            "HEADNODE_DEMO": "1",
            "HEADNODE_LOG_LEVEL": "ERROR",
        }
        environment |= {ROLE: str(size)}
        command = [sys.executable, "-m", "benchmarks.tick"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True, bufsize=1
        )

    def read(self) -> str:
        """Return the next line of its output."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a ticker ended; the error is above")
        return line.strip()

    def tick(self) -> tuple[float, float]:
        """Return the seconds of the sweep and of the passes."""
        assert self.process.stdin is not None
        found = []
        for _ in range(TRIES):  # the fastest: other work on the machine only adds time
            self.process.stdin.write("tick\n")
            swept, passed = self.read().split()
            found.append((float(swept), float(passed)))
        return min(found, key=sum)

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


def be_ticker(size: int) -> None:
    """Run the process of one size: make the rows, print the plan, then tick for each line of input."""
    database = own_database(size)
    if database:
        os.environ["DATABASE_URL"] = database
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    import django  # noqa: PLC0415 - only with the environment made above

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415
    from jobs import tasks  # noqa: PLC0415
    from jobs.control import claim, controller, heartbeat  # noqa: PLC0415
    from jobs.events import job_log, wakeups  # noqa: PLC0415
    from jobs.models import Cluster  # noqa: PLC0415
    from tests.fakes.providers import ProviderWhoseNodesNeverReport  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    due = fill(User.objects.create_user("tick"), size)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as the database does by itself after a while
    cloud = ProviderWhoseNodesNeverReport()
    cloud.there = {"head": "booting"}
    sent: list[str] = []
    mock.patch.object(
        wakeups, "_send_task", side_effect=lambda task, cluster_id, **_: sent.append(cluster_id)
    ).start()
    mock.patch.object(heartbeat, "beat").start()
    mock.patch.object(job_log, "_send").start()
    mock.patch.object(claim, "keep_claimed", side_effect=lambda cluster: nullcontext()).start()
    print(connection.vendor, flush=True)
    print(" ".join(tasks.due_clusters().explain().split()), flush=True)
    for _ in sys.stdin:
        make_due(due)
        sent.clear()
        swept = timed(tasks.sweep)
        assert sorted(sent) == sorted(due), (len(sent), len(due))
        passed = timed(lambda: [controller.reconcile(key, lambda name: cloud) for key in sent])
        assert not Cluster.objects.filter(failures__gt=0).exists(), "a pass failed: nothing was measured"
        print(swept, passed, flush=True)


def own_database(size: int) -> str:
    """Create a PostgreSQL database for this size and return its URL; empty on SQLite, which uses the folder."""
    url = os.environ.pop("HEADNODE_TEST_DATABASE_URL", "")
    if not url:
        return ""
    import environ  # noqa: PLC0415
    import psycopg  # noqa: PLC0415

    parsed: dict[str, Any] = environ.Env.db_url_config(url)
    with psycopg.connect(
        dbname=parsed["NAME"], user=parsed["USER"], host=parsed["OPTIONS"]["host"], autocommit=True
    ) as server:
        server.execute(f"CREATE DATABASE tick_{size}")  # the size is a constant of this file
    return url.replace("/postgres?", f"/tick_{size}?")


def fill(person: "User", count: int) -> list[str]:
    """Create so many clusters with their jobs. Return the ids of the booting ones that will be made due."""
    from django.utils import timezone  # noqa: PLC0415

    from jobs.models import Cluster, CoreType, Job, Node  # noqa: PLC0415

    now = timezone.now()
    kind = CoreType.objects.get(code="emerald")
    jobs = Job.objects.bulk_create(
        [
            Job(
                owner=person,
                name=f"tick {number}",
                command="true",
                core_type=kind,
                cores_per_slot=1,
                slots=1,
                walltime=timedelta(hours=1),
                submitted_at=now,
                id=new_id(),
            )
            for number in range(count)
        ],
        batch_size=500,
    )
    clusters = []
    for number, job in enumerate(jobs):
        is_live = number < DUE or number % 5 == 0
        clusters.append(
            Cluster(
                id=new_id(),
                job=job,
                owner=person,
                handle=f"cluster-{number:05}",
                provider_state={"id": job.pk},
                observed_state="booting" if is_live else "released",
                booting_at=now,
                next_check_at=(now + timedelta(days=1 + number % 30)) if is_live else None,
            )
        )
    Cluster.objects.bulk_create(clusters, batch_size=500)
    chosen = [cluster.pk for cluster in clusters[:DUE]]
    Node.objects.bulk_create(
        Node(
            cluster_id=key,
            name="head",
            role="head",
            core_type=kind,
            cores=1,
            state="booting",
            token_digest=key * 8,
        )
        for key in chosen
    )
    return chosen


_ids: set[str] = set()


def new_id() -> str:
    """Return an id that no other row has."""
    from jobs import ids  # noqa: PLC0415

    found = ids.free_id(lambda taken: taken.lower() in _ids)
    _ids.add(found.lower())
    return found


def make_due(due: list[str]) -> None:
    """Make the chosen rows due now."""
    from django.utils import timezone  # noqa: PLC0415

    from jobs.models import Cluster  # noqa: PLC0415

    Cluster.objects.filter(pk__in=due).update(next_check_at=timezone.now() - timedelta(seconds=1))


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def again(name: str, rounds: int, *before: str) -> int:
    """Run this program again to measure on one kind of database. Return its exit status."""
    print(name, flush=True)
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("HEADNODE_", "DATABASE_"))
    }
    command = [*before, sys.executable, "-m", "benchmarks.tick", str(rounds)]
    return subprocess.run(command, cwd=ROOT, env=environment | {ROLE: "measure"}).returncode


def main() -> int:
    """Measure on SQLite, then on PostgreSQL."""
    role = os.environ.pop(ROLE, "")
    if role.isdigit():
        be_ticker(int(role))
        return 0
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    if role:
        return 0 if measure(rounds) else 1
    return again("SQLite", rounds) + again("PostgreSQL", rounds, "scripts/with-postgres")


if __name__ == "__main__":
    sys.exit(main())
