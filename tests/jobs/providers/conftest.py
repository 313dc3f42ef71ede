"""A real simulator behind the portal's provider."""

from collections.abc import Callable, Iterator

import pytest

from jobs.providers import registry
from jobs.providers.simulated import SimulatedProvider
from tests.jobs.simulator.conftest import keys, simulators
from tests.jobs.simulator.simulator_process import Simulator

__all__ = ["keys", "simulators"]


@pytest.fixture(scope="module")
def simulator(simulators: Callable[..., Simulator]) -> Iterator[Simulator]:
    """The cloud, with a few emerald cores."""
    made = simulators(HEADNODE_SIMULATOR_CAPACITY="emerald=64")
    yield made
    if made.process.poll() is None:
        made.end()


@pytest.fixture
def cloud(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """The same, as the provider of everything in the test; nothing is broken after it."""
    provider = SimulatedProvider(f"unix:{simulator.folder}/s.sock", str(simulator.folder / "token"))
    monkeypatch.setattr(registry, "provider_named", lambda name: provider)
    yield simulator
    provider.close()
    if simulator.process.poll() is None:
        kinds = simulator.http.get("/v1/faults").json()["kinds"]
        simulator.http.put("/v1/faults", json={kind["name"]: None for kind in kinds})
