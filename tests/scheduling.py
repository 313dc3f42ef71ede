"""Distribute test files over pytest-xdist's workers (`--dist loadgroup`).

A file goes to one worker. The first workers begin with what needs a whole portal, so that few portals are started; the
others begin with browsers and simulators: a portal mostly waits, a browser mostly computes. What measures time or fills
the machine comes last, when nothing else runs. With `--both-databases` the first worker has a PostgreSQL, and runs only
the tests for it.
"""

import os
import re
from collections.abc import Sequence

import execnet
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling
from xdist.workermanage import WorkerController

from tests.kinds import BOTH_DATABASES

DATABASE = "HEADNODE_TEST_DATABASE_URL"
# A test's name as tests.kinds makes it.
ON_POSTGRES = re.compile(r"\[postgres[-\]]")
POSTGRES = "postgres "

# Files that measure how fast the portal is, or take all that a machine has.
ALONE = (
    "tests/acceptance/test_access_live.py",
    "tests/acceptance/test_context_policies.py",
    "tests/acceptance/test_hostile_nodes.py",
    "tests/jobs/simulator/sandbox/test_hogs.py",
    "tests/sshgateway/process/test_terminal_flow.py",
)
PORTALS = (
    "tests/acceptance/",
    "tests/cli/",
    "tests/portal/test_embedded",
    "tests/jobs/test_events_socket.py",
)
BROWSERS = ("tests/browser/",)
SIMULATORS = ("tests/contracts/", "tests/jobs/simulator/", "tests/jobs/providers/")
SHELLS = ("tests/sshgateway/", "tests/jobs/machines/")
# So many of the workers begin with portals.
PORTAL_WORKERS = 1 / 3


def pytest_xdist_setupnodes(config: pytest.Config, specs: list[execnet.XSpec]) -> None:
    """Take the PostgreSQL away from all workers but the first."""
    if config.getoption(BOTH_DATABASES):
        if len(specs) < 2 or not os.environ.get(DATABASE):
            raise pytest.UsageError(f"{BOTH_DATABASES} needs scripts/with-postgres, and two workers or more")
        specs[1:] = [
            execnet.XSpec(f"execmodel=main_thread_only//popen//id={spec.id}//env:{DATABASE}=")
            for spec in specs[1:]
        ]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadGroupScheduling | None:
    """Use our distribution where files may be spread at all."""
    return FileScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None


class FileScheduling(LoadGroupScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each worker the file that suits it best among those left."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)
        self._both_databases = config.getoption(BOTH_DATABASES)

    def schedule(self) -> None:
        """Begin; refuse to wait for ever for a worker that was not needed."""
        super().schedule()
        if self.workqueue and not any(
            self._may_run(node, unit) for node in self.nodes for unit in self.workqueue
        ):
            raise pytest.UsageError(f"fewer files than workers: use a smaller -n, or no {BOTH_DATABASES}")

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Note it; a worker that waits for the others may go on when the last of them has finished."""
        super().mark_test_complete(node, item_index, duration)
        if not self._pending_of(self.assigned_work[node]):
            for other in self.nodes:
                if other is not node:
                    self._reschedule(other)

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return POSTGRES + path if ON_POSTGRES.search(nodeid) else path

    def _assign_work_unit(self, node: WorkerController) -> None:
        if (unit := self._best_for(node)) is not None:
            self.workqueue.move_to_end(unit, last=False)
            super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        if node.shutting_down or self._pending_of(self.assigned_work[node]) > 2:
            return
        if self.workqueue and self._best_for(node) is None:
            # Told that nothing follows, a worker finishes the tests it has. One stays for what comes last.
            if not self._is_needed_last(node):
                node.shutdown()
            return
        super()._reschedule(node)

    def _best_for(self, node: WorkerController) -> str | None:
        """Return the file that this worker should run next, None if there is none for it now."""
        left = [unit for unit in self.workqueue if self._may_run(node, unit)]
        shared = [unit for unit in left if unit not in ALONE]
        if shared:
            best: str = min(shared, key=lambda unit: _rank(unit, self._preference(node)))
            return best
        return left[0] if left and not self._others_work(node) else None

    def _may_run(self, node: WorkerController, unit: str) -> bool:
        return unit.startswith(POSTGRES) == self._has_postgres(node)

    def _has_postgres(self, node: WorkerController) -> bool:
        return self._both_databases and DATABASE not in node.gateway.spec.env

    def _others_work(self, node: WorkerController) -> bool:
        return any(self._pending_of(self.assigned_work[other]) for other in self.nodes if other is not node)

    def _is_needed_last(self, node: WorkerController) -> bool:
        return any(self._may_run(node, unit) for unit in self.workqueue) and not any(
            other is not node and not other.shutting_down and not self._has_postgres(other)
            for other in self.nodes
        )

    def _preference(self, node: WorkerController) -> Sequence[tuple[str, ...]]:
        number = int(re.sub(r"\D", "", node.gateway.id) or 0)
        number -= self._both_databases
        if number < max(1, round(self.numnodes * PORTAL_WORKERS)):
            return (PORTALS, SIMULATORS, SHELLS, BROWSERS)
        return (BROWSERS, SIMULATORS, SHELLS, ("tests/accounts", "tests/jobs/", "tests/portal/"), PORTALS)


def _rank(unit: str, preference: Sequence[tuple[str, ...]]) -> int:
    """Return how soon a file comes: the first of the prefixes that it has; the rest comes after all of them."""
    path = unit.removeprefix(POSTGRES)
    return next(
        (rank for rank, prefixes in enumerate(preference) if path.startswith(prefixes)), len(preference)
    )
