"""Releasing a cluster tells people on its nodes why, on the real simulator."""

import io
import subprocess
from pathlib import Path

from jobs.providers import registry
from tests.jobs.simulator.simulator_process import Simulator
from tests.waiting import LIMIT, wait_for


def test_an_open_terminal_shows_why_the_cluster_is_released(cloud: Simulator, keys: dict[str, Path]) -> None:
    cluster = cloud.create("Rel001", computes=1)
    provider = registry.provider_named("simulated")
    terminal = subprocess.Popen(
        cluster.command(keys["alice"], extra=("-tt",)), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert isinstance(terminal.stdout, io.BufferedReader)
    assert terminal.stdin is not None
    terminal.stdin.write(b"echo rea''dy\n")
    terminal.stdin.flush()
    seen = b""
    while b"ready" not in seen:
        seen += terminal.stdout.read1(65536)
    provider.release({"id": cluster.id}, "The deadline of the cluster has passed.")
    provider.release({"id": cluster.id}, "Said a second time.")
    out, _ = terminal.communicate(timeout=LIMIT)
    assert b"The deadline of the cluster has passed." in out
    assert b"Said a second time." not in out
    wait_for(lambda: provider.observe({"id": cluster.id}) is None, "the cluster is gone")
    provider.release({"id": cluster.id}, "It is gone already.")
