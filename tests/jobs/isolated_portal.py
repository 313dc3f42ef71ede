"""The portal's modules on a world made for a test: its clock, messages, cloud, head nodes and worker names."""

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs.control import claim, controller, heartbeat, provisioning, steps
from jobs.control.decisions import Step
from jobs.events import job_log, wakeups
from jobs.lifetime import orphans
from sshgateway.sessions import gateway_wakeups
from sshgateway.ssh import transport
from tests.fakes.cloud import CloudThatMayBreakAnywhere, World
from tests.fakes.connections import connect_in

# Not boundaries: a transaction is interrupted before or after its queries, never between BEGIN and its first one.
NOT_BOUNDARIES = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")


class SequentialPool:
    """Stands in for a thread pool: runs everything in this thread, so that a run can be repeated."""

    map = staticmethod(map)

    def __enter__(self) -> "SequentialPool":
        return self

    def __exit__(self, *_: object) -> None:
        pass


class IsolatedPortal:
    """The world, and the portal's modules connected to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = World(datetime.now(UTC))
        self.monkeypatch = monkeypatch
        self.steps: Counter[Step] = Counter()  # that passes carried out

    def connect(self) -> None:
        """Take clock, worker names, messages and connections to nodes from the world."""
        world, patch = self.world, self.monkeypatch.setattr
        patch(transport, "connect", connect_in(world))
        patch(controller, "carry_out", self._carry_out)
        patch(provisioning, "ThreadPoolExecutor", lambda max_workers: SequentialPool())
        patch(timezone, "now", lambda: world.now)
        patch(socket, "gethostname", lambda: world.worker)
        # A pass takes no time here unless the test says so.
        patch(claim, "keep_claimed", lambda cluster: nullcontext())
        patch(wakeups, "_send_task", lambda task, cluster_id, **_: self._queue(task, cluster_id))
        patch(orphans, "_request_search", lambda: None)
        patch(job_log, "_send", lambda job_id: None)
        patch(gateway_wakeups, "wake_gateways", lambda sessions: None)
        patch(heartbeat, "beat", lambda: None)

    def reconcile(self, cluster_id: str) -> None:
        """Make a pass, with the world's cloud as the provider."""
        cloud = CloudThatMayBreakAnywhere(self.world)
        controller.reconcile(cluster_id, lambda name: cloud)

    def find_orphans(self) -> None:
        """Search the world's cloud for orphaned clusters."""
        orphans.find_orphans("simulated", CloudThatMayBreakAnywhere(self.world))

    def _carry_out(self, step: steps.DecidedStep) -> timedelta | None:
        self.steps[step.decision.step] += 1
        return steps.carry_out(step)

    def _queue(self, task: str, cluster_id: str) -> None:
        if task == wakeups.RECONCILE:
            self.world.queue.append(cluster_id)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Make every query of the block a boundary, before and after it."""

        def query(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith(NOT_BOUNDARIES):
                return execute(sql, params, many, context)
            outside_transaction = not connection.in_atomic_block
            self.world.boundary("database", outside_transaction)
            result = execute(sql, params, many, context)
            self.world.boundary("database", outside_transaction)
            return result

        with connection.execute_wrapper(query):
            yield
