"""Real simulators for the suites."""

from tests.jobs.simulator.conftest import keys, shared_simulator, simulators

__all__ = ["keys", "shared_simulator", "simulators"]
