"""The other protections: a user per cluster without bubblewrap, none at all, and bubblewrap without root."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.broker import Broker
from tests.jobs.simulator.conftest import needs_root, public
from tests.jobs.simulator.simulator_process import ROOT, Cluster, Simulator
from tests.stack import AS_ORDINARY_USER
from tests.waiting import LIMIT, wait_for


@needs_root
def test_without_bubblewrap_root_gives_each_cluster_a_user(
    simulators: Callable[..., Simulator], keys: dict[str, Path]
) -> None:
    simulator = simulators(HEADNODE_SIMULATOR_SANDBOX="uid")
    health = simulator.http.get("/healthz").json()
    assert health["sandbox"] == "uid"
    assert health["unprotected"]
    first, second = (simulator.create(name, computes=0) for name in ("Uid001", "Uid002"))
    told = [
        cluster.ssh(keys["alice"], "id -u; id -G; pwd").stdout.decode().split() for cluster in (first, second)
    ]
    assert 0 not in {int(told[0][0]), int(told[1][0])}
    assert told[0][0] != told[1][0]
    assert told[0][1] == told[0][0], "no group but its own"
    attempt = first.ssh(keys["alice"], f"ls {told[1][2]}; cat {simulator.folder}/token")
    assert attempt.stderr.count(b"No such file") == 2
    assert first.ssh(keys["alice"], extra=("-tt",), stdin=b"echo $((6*7)); exit\n").stdout.count(b"42") >= 1
    simulator.http.post(f"{first.path}/nodes/head/stop", json={})
    first.wait("stopped")
    homes = simulator.var / "homes"
    assert sorted(path.name for path in homes.iterdir()) == ["Uid001", "Uid002"]
    for cluster in (first, second):
        cluster.delete()
    assert list(homes.iterdir()) == []
    simulator.end()


def test_no_protection_is_had_when_asked_for_and_said(
    simulators: Callable[..., Simulator], keys: dict[str, Path]
) -> None:
    simulator = simulators(AS_ORDINARY_USER, HEADNODE_SIMULATOR_SANDBOX="none")
    health = simulator.http.get("/healthz").json()
    assert health["sandbox"] == "none"
    assert "everything" in health["unprotected"][0]
    cluster = simulator.create("Non001", computes=0)
    seconds = 4_000_000 + os.getpid()  # by which the process is found on this machine
    session = subprocess.Popen(
        cluster.command(keys["alice"], f"setsid sleep {seconds} & echo up; wait"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert session.stdout is not None
    assert session.stdout.readline() == b"up\n"
    simulator.http.post(f"{cluster.path}/nodes/head/stop", json={})
    cluster.wait("stopped")
    session.communicate(timeout=LIMIT)
    left = subprocess.run(["pgrep", "-f", f"^sleep {seconds}"], capture_output=True).stdout
    assert left == b"", "a stopped node leaves nothing running"
    simulator.end()


@pytest.mark.parametrize("sandbox", ["moat", pytest.param("none", marks=needs_root)])
def test_a_protection_that_cannot_be_had_is_one_sentence(sandbox: str, tmp_path: Path) -> None:
    """`none` as root would make whoever logs in to a node this machine's root."""
    environment = {
        "PATH": os.environ["PATH"],
        "HEADNODE_SIMULATOR_VAR": str(tmp_path / "v"),
        "HEADNODE_SIMULATOR_SANDBOX": sandbox,
    }
    done = subprocess.run(
        [sys.executable, "-m", "jobs.simulator"], cwd=ROOT, env=environment, capture_output=True, timeout=120
    )
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"HEADNODE_SIMULATOR_SANDBOX" in done.stderr


@pytest.fixture
def ordinary(keys: dict[str, Path]) -> Iterator[tuple[Cluster, Path]]:
    """A cluster of a simulator that an ordinary user started, from a copy of the code that user may read."""
    folder = Path(tempfile.mkdtemp(prefix="hno-"))
    python = folder / "venv/bin/python"
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    target = next((folder / "venv/lib").glob("python3*/site-packages"))
    version = subprocess.run(
        [python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True
    )
    if version.stdout.strip() != str(sys.version_info[:2]):
        pytest.skip("the machine's own Python differs from the one under test")
    wanted = ("asyncssh", "starlette", "uvicorn", "httpx", "httpcore", "h11", "anyio", "click", "certifi", "idna",
              "sniffio", "cryptography", "cffi", "typing_extensions.py", "_cffi_backend")  # fmt: skip
    for path in Path(packages).iterdir():
        if path.name.startswith(wanted) and not path.name.endswith("-info"):
            if path.is_dir():
                shutil.copytree(path, target / path.name)
            else:
                shutil.copy(path, target / path.name)
    for room in ("simulator", "node_contract"):
        shutil.copytree(ROOT / "jobs" / room, folder / "code/jobs" / room)
    (folder / "code/jobs/__init__.py").touch()
    state = folder / "state"
    state.mkdir()
    os.chown(state, 65534, 65534)
    os.chmod(folder, 0o755)
    broker = Broker()
    broker.context["authorized_keys"] = [public(keys["alice"])]
    simulator = object.__new__(Simulator)
    simulator.folder, simulator.broker, simulator.var = state, broker, state / "simulator"
    simulator.log = open(state / "log", "ab")  # noqa: SIM115
    command = [
        "setpriv",
        "--reuid",
        "65534",
        "--regid",
        "65534",
        "--clear-groups",
        str(python),
        "-m",
        "jobs.simulator",
    ]
    simulator.process = subprocess.Popen(
        command,
        cwd=folder / "code",
        env={
            "PATH": os.environ["PATH"],
            "HEADNODE_SIMULATOR_LISTEN": f"unix:{state}/s.sock",
            "HEADNODE_SIMULATOR_VAR": str(simulator.var),
            "HEADNODE_SIMULATOR_TOKEN_FILE": str(state / "token"),
            "HEADNODE_SIMULATOR_BOOT": "instant",
        },
        stdout=simulator.log,
        stderr=simulator.log,
    )
    try:
        transport = httpx.HTTPTransport(uds=f"{state}/s.sock")
        simulator.http = httpx.Client(transport=transport, base_url="http://simulator", timeout=LIMIT)
        wait_for(simulator.up, "the simulator answers")
        simulator.http.headers["Authorization"] = "Bearer " + (state / "token").read_text().strip()
        yield simulator.create("Ord001", computes=1), folder
    finally:
        with contextlib.ExitStack() as ends:
            ends.callback(shutil.rmtree, folder)
            ends.callback(broker.close)
            simulator.end()


@needs_root
def test_an_ordinary_user_gets_the_whole_sandbox(
    ordinary: tuple[Cluster, Path], keys: dict[str, Path]
) -> None:
    cluster, folder = ordinary
    assert cluster.simulator.http.get("/healthz").json()["sandbox"] == "bubblewrap"
    done = cluster.ssh(keys["alice"], f"pwd; ls {folder}; ls /enc; ssh compute-1 hostname")
    hostname = cluster.nodes()["compute-1"]["hostname"]
    assert done.stdout.decode().split() == ["/enc/uprod_Ord001", "uprod_Ord001", hostname]
    assert b"No such file" in done.stderr
    put = cluster.simulator.http.put
    assert put("/v1/faults", json={"network_cut": {"node": "head"}, "disk_full": {}}).status_code == 200
    attempt = "timeout 2 bash -c 'exec 3<>/dev/tcp/compute-1/32100' || echo cut; echo x > ~/x"
    done = cluster.ssh(keys["alice"], attempt)
    assert done.stdout == b"cut\n"
    assert b"No space left on device" in done.stderr
    put("/v1/faults", json={"network_cut": None, "disk_full": None})
    # The kernel may still hold the address for one that has no route, for some seconds.
    write = "ssh compute-1 'echo x > ~/x && echo written'"
    wait_for(lambda: cluster.ssh(keys["alice"], write).stdout == b"written\n", "it can be written to again")
    hog = "python3 -c 'taken = []\nwhile True: taken.append(bytearray(1 << 22))'"
    assert cluster.ssh(keys["alice"], hog).returncode != 0
    wait_for(lambda: "kernel: Out of memory" in cluster.nodes()["head"]["log"], "it is said")
