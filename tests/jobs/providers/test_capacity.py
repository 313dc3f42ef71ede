"""How many cores are free: as the cloud says, or not known."""

from typing import Any

import httpx
import pytest

from jobs.providers import capacity, registry
from jobs.providers.simulated import SimulatedProvider
from tests.fakes.providers import ProviderWhoseNodesNeverReport
from tests.jobs.simulator.simulator_process import Simulator


def test_the_simulated_cloud_says_what_is_free(cloud: Simulator) -> None:
    assert capacity.free_cores("emerald") == 64


def test_a_provider_that_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "provider_named", lambda name: ProviderWhoseNodesNeverReport())
    assert capacity.free_cores("emerald") is None


def test_a_cloud_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    provider = SimulatedProvider(f"unix:{tmp_path}/none.sock", str(tmp_path / "token"))
    monkeypatch.setattr(registry, "provider_named", lambda name: provider)
    assert capacity.free_cores("emerald") is None


@pytest.mark.parametrize(
    "answer", [{"capacity": {"emerald": {}}}, {"capacity": [1]}, {"capacity": {"emerald": 3}}, {"x": 1}, {}]
)
def test_an_answer_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, answer: dict[str, Any]
) -> None:
    (tmp_path / "token").write_text("x")
    provider = SimulatedProvider("http://cloud.invalid", str(tmp_path / "token"))
    client = httpx.Client(
        base_url="http://cloud.invalid",
        transport=httpx.MockTransport(lambda request: httpx.Response(200, json=answer)),
    )
    monkeypatch.setattr(provider, "_client", client)
    monkeypatch.setattr(registry, "provider_named", lambda name: provider)
    assert capacity.free_cores("emerald") is None
