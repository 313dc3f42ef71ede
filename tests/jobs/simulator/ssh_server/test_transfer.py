"""Files to a node and back with the real sftp, scp (both protocols) and rsync."""

import subprocess
from pathlib import Path

import pytest

from tests.jobs.simulator.simulator_process import Cluster


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file with every byte in it, larger than one SSH window."""
    path = tmp_path / "there"
    path.write_bytes(bytes(range(256)) * 16_384)
    return path


@pytest.mark.parametrize("protocol", [(), ("-O",)], ids=["sftp", "legacy"])
def test_scp(cluster: Cluster, keys: dict[str, Path], data: Path, protocol: tuple[str, ...]) -> None:
    scp = ["scp", *protocol, *cluster.options(keys["alice"]), "-P", str(cluster.port())]
    back = data.with_name("back")
    subprocess.run([*scp, str(data), f"{cluster.target()}:work/file"], check=True, timeout=120)
    subprocess.run([*scp, f"{cluster.target()}:work/file", str(back)], check=True, timeout=120)
    assert back.read_bytes() == data.read_bytes()


def test_sftp(cluster: Cluster, keys: dict[str, Path], data: Path) -> None:
    back = data.with_name("back")
    batch = f"put {data} work/sftp\nget work/sftp {back}\npwd\n"
    sftp = ["sftp", "-b", "-", *cluster.options(keys["alice"]), "-P", str(cluster.port()), cluster.target()]
    done = subprocess.run(sftp, input=batch.encode(), capture_output=True, check=True, timeout=120)
    assert b"/enc/uprod_Ab12cd" in done.stdout
    assert back.read_bytes() == data.read_bytes()


def test_rsync(cluster: Cluster, keys: dict[str, Path], data: Path) -> None:
    rsync = ["rsync", "-a", "-e", cluster.rsh(keys["alice"])]
    back = data.with_name("back")
    subprocess.run([*rsync, str(data), f"{cluster.target()}:work/synced"], check=True, timeout=120)
    subprocess.run([*rsync, f"{cluster.target()}:work/synced", str(back)], check=True, timeout=120)
    assert back.read_bytes() == data.read_bytes()


def test_the_home_is_shared_by_the_nodes_of_a_cluster(cluster: Cluster, keys: dict[str, Path]) -> None:
    cluster.ssh(keys["alice"], "echo one > ~/work/shared/note")
    assert cluster.ssh(keys["alice"], "cat ~/work/shared/note", node="compute-1").stdout == b"one\n"
