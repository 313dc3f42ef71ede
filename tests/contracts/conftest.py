"""Real simulators for the suites."""

from tests.jobs.simulator.conftest import cluster, keys, one_with_uid, shared_simulator, simulators

__all__ = ["cluster", "keys", "one_with_uid", "shared_simulator", "simulators"]
