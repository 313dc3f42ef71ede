"""Fixtures: one shared simulator with a two-node cluster, and simulators of their own for tests that change things."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.fakes.broker import Broker
from tests.jobs.simulator.simulator_process import Cluster, Simulator

# What only root can set up; `.ci/run` is root, so nothing is skipped there.
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")


def make_key(path: Path, *words: str) -> Path:
    """Make a key pair with the real ssh-keygen."""
    subprocess.run(
        ["ssh-keygen", "-q", "-N", "", "-C", path.name, *(words or ("-t", "ed25519")), "-f", str(path)],
        check=True,
    )
    return path


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Key pairs by name; `alice` and `rsa` are authorized from the start."""
    folder = tmp_path_factory.mktemp("keys")
    made = {name: make_key(folder / name) for name in ("alice", "bob", "authority")}
    return made | {"rsa": make_key(folder / "rsa", "-t", "rsa", "-b", "2048")}


def public(path: Path) -> str:
    """Return the public key as one line."""
    return path.with_name(path.name + ".pub").read_text().strip()


@pytest.fixture(scope="session")
def simulators(keys: dict[str, Path]) -> Iterator[Callable[..., Simulator]]:
    """Makes simulators, each with a broker and folder of its own, and ends them all."""

    def end(simulator: Simulator) -> None:
        if simulator.process.poll() is None:
            simulator.end()
        else:
            simulator.kill()

    def make(prefix: Sequence[str] = (), lifeline: int | None = None, **environment: str) -> Simulator:
        # A short path: unix sockets have 107 bytes. Closed to others, as a person's own folder may be.
        folder = Path(tempfile.mkdtemp(prefix="hns-"))
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        broker = Broker()
        ends.callback(broker.close)
        broker.context["authorized_keys"] = [public(keys["alice"]), public(keys["rsa"])]
        broker.context["user_authorities"] = [public(keys["authority"])]
        simulator = Simulator(folder, broker, prefix, lifeline, **environment)
        ends.callback(end, simulator)
        return simulator

    # Each is ended whatever becomes of the others.
    with contextlib.ExitStack() as ends:
        yield make


@pytest.fixture(scope="session")
def shared_simulator(simulators: Callable[..., Simulator]) -> Simulator:
    """A simulator for tests that leave it as it was."""
    return simulators()


@pytest.fixture(scope="session")
def cluster(shared_simulator: Simulator) -> Cluster:
    """A two-node cluster for tests that leave it as it was."""
    return shared_simulator.create("Ab12cd", computes=1)


@pytest.fixture
def simulator(simulators: Callable[..., Simulator]) -> Iterator[Simulator]:
    """A simulator of the test's own."""
    made = simulators()
    yield made
    if made.process.poll() is None:
        made.end()


@pytest.fixture(scope="session")
def one_with_uid(simulators: Callable[..., Simulator]) -> Iterator[Cluster]:
    """A cluster of a simulator without bubblewrap, for tests that leave it as it was. Root only."""
    if os.geteuid() != 0:
        pytest.skip("only root can become someone else")
    made = simulators(HEADNODE_SIMULATOR_SANDBOX="uid")
    yield made.create("Uid0001", computes=0)
    made.end()
