"""The machine's users for clusters: each given out once, and ended with everything it runs."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.simulator.sandbox.unix_users import COUNT, NoUserLeft, UserNumbers, kill_processes_of_user
from tests.jobs.simulator.conftest import needs_root
from tests.jobs.simulator.simulator_process import Simulator
from tests.waiting import LIMIT


def test_no_number_is_given_out_twice(tmp_path: Path) -> None:
    path = tmp_path / "next"
    assert [UserNumbers(path).acquire(set(), reuse=False) for _ in range(3)] == [1, 2, 3]
    path.write_text(str(COUNT - 1))
    assert UserNumbers(path).acquire(set(), reuse=False) == COUNT - 1
    with pytest.raises(NoUserLeft):
        UserNumbers(path).acquire(set(), reuse=False)
    assert [UserNumbers(path).acquire({1}, reuse=True) for _ in range(2)] == [2, 3]


@needs_root
@pytest.mark.parametrize("mode", ["uid", "bubblewrap"])
def test_the_next_cluster_gets_another_user(mode: str, simulators: Callable[..., Simulator]) -> None:
    simulator = simulators(HEADNODE_SIMULATOR_SANDBOX=mode)
    owners, bases = [], set()
    for name in ("Own001", "Own002"):
        made = simulator.create(name, computes=0)
        home = next(
            path
            for base in (simulator.var, *Path("/var/tmp").glob("headnode-*"))
            if (path := base / "homes" / name / made.user).exists()
        )
        owners.append(home.stat().st_uid)
        bases.add(home.parents[2])
        made.delete()
        if name == "Own001":
            simulator.end()
            simulator.start()
    simulator.end()
    for base in bases - {simulator.var}:
        shutil.rmtree(base)
    assert owners[0] != owners[1]


@needs_root
def test_a_user_ends_with_everything_it_runs() -> None:
    uid = 1_879_000_000 + os.getpid() % 1_000_000  # of nobody else on this machine
    with pytest.raises(KeyError):
        pwd.getpwuid(uid)
    left = subprocess.Popen(["sleep", "1000"], user=uid, group=uid, start_new_session=True)
    try:
        kill_processes_of_user(uid)
        assert left.wait(LIMIT) == -9
    finally:
        left.kill()
        left.wait()
    with pytest.raises(ValueError):
        kill_processes_of_user(0)
