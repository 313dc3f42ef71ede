"""Releasing a cluster tells people on its nodes why, on the real simulator."""

from pathlib import Path

from jobs.providers import registry
from tests.jobs.simulator.cloud.test_broadcast import open_terminal
from tests.jobs.simulator.simulator_process import Simulator, ended_afterwards
from tests.waiting import wait_for


def test_an_open_terminal_shows_why_the_cluster_is_released(cloud: Simulator, keys: dict[str, Path]) -> None:
    cluster = cloud.create("Rel001", computes=1)
    provider = registry.provider_named("simulated")
    terminal = open_terminal(cluster.command(keys["alice"], extra=("-tt",)))
    with ended_afterwards(terminal):
        provider.release({"id": cluster.id}, "The deadline of the cluster has passed.")
        provider.release({"id": cluster.id}, "Said a second time.")
        # Its input stays open: the end of it would end the shell by itself.
        assert terminal.stdout is not None
        out = terminal.stdout.read()
    assert b"The deadline of the cluster has passed." in out
    assert b"Said a second time." not in out
    wait_for(lambda: provider.observe({"id": cluster.id}) is None, "the cluster is gone")
    provider.release({"id": cluster.id}, "It is gone already.")
