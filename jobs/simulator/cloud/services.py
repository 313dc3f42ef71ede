"""What all clusters of a cloud share, handed to each of them."""

from dataclasses import dataclass

import httpx

from jobs.simulator.faults.fault_rules import Faults
from jobs.simulator.sandbox.control_groups import ControlGroups
from jobs.simulator.sandbox.launcher_pool import LauncherPool
from jobs.simulator.sandbox.protection import Sandbox
from jobs.simulator.settings import Settings
from jobs.simulator.store import Store


@dataclass(frozen=True)
class CloudServices:
    """The cloud's own parts. `http` is for calls to context brokers; `groups` is None where the kernel allows none."""

    settings: Settings
    store: Store
    sandbox: Sandbox
    launchers: LauncherPool
    faults: Faults
    http: httpx.AsyncClient
    groups: ControlGroups | None
