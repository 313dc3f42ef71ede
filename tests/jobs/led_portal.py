"""The portal's modules led to a world of a test's own: its clock, messages, cloud, head nodes and names of workers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs import tasks
from jobs.control import claim, command, controller, provisioning, push_access, teardown
from jobs.events import job_log, wakeups
from jobs.lifetime import orphans
from sshgateway.sessions import session_actions
from tests.fakes.cloud import CloudThatMayBreakAnywhere, LineToAHeadNode, ProgramOnTheNode, World

# No boundaries: a transaction is cut off before or after its queries, never in the middle of its own words.
CALM = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")


class OneAfterTheOther:
    """In place of a pool of threads: what happens in the middle of it happens in this thread, and always there."""

    map = staticmethod(map)

    def __enter__(self) -> "OneAfterTheOther":
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Portal:
    """The world, and the portal's modules led to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = World(datetime.now(UTC))
        self.monkeypatch = monkeypatch

    def lead_here(self) -> None:
        """Have clock, names, messages, cloud and head nodes come from the world."""
        world, patch = self.world, self.monkeypatch.setattr
        cloud, program = CloudThatMayBreakAnywhere(world), ProgramOnTheNode()
        for module in (controller, push_access, orphans):
            patch(module, "provider_named", lambda name: cloud)
        for module in (command, teardown):
            patch(module, "client", program)
            patch(module, "to_head", lambda cluster: LineToAHeadNode(world, cluster.pk))
        patch(provisioning, "_log_in", lambda target, credential: self._log_in())
        patch(provisioning, "ThreadPoolExecutor", lambda max_workers: OneAfterTheOther())
        patch(timezone, "now", lambda: world.now)
        patch(claim.socket, "gethostname", lambda: world.worker)
        # A pass takes no time here unless the machine says so.
        patch(claim, "kept", lambda cluster: nullcontext())
        patch(wakeups, "_put", lambda task, cluster_id, *_, **__: self._post(task, cluster_id))
        patch(orphans, "_ring", lambda: None)
        patch(job_log, "_send", lambda job_id: None)
        patch(session_actions, "ring", lambda sessions: None)
        patch(tasks.heartbeat, "beat", lambda: None)

    def _log_in(self) -> None:
        with self.world.around("line"):
            pass

    def _post(self, task: str, cluster_id: str) -> None:
        if task == "jobs.reconcile":
            self.world.queue.append(cluster_id)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Every query of the block is a boundary, before and after."""

        def query(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith(CALM):
                return execute(sql, params, many, context)
            is_calm = not connection.in_atomic_block
            self.world.boundary("database", is_calm)
            answer = execute(sql, params, many, context)
            self.world.boundary("database", is_calm)
            return answer

        with connection.execute_wrapper(query):
            yield
