"""What these tests rely on to reach nodes."""

from pathlib import Path

from tests.jobs.simulator.simulator_process import Cluster


def test_a_client_that_reads_the_known_hosts_file_never_meets_an_unfinished_one(
    cluster: Cluster, keys: dict[str, Path]
) -> None:
    """The next command writes the file again while a client in the background may only begin to read it."""
    prefix = "UserKnownHostsFile="
    pinned = next(word for word in cluster.options(keys["alice"]) if word.startswith(prefix))
    known = Path(pinned.removeprefix(prefix))
    with known.open() as begun:
        before = known.stat().st_ino
        cluster.options(keys["alice"])
        assert known.stat().st_ino != before, "another file took its place"
        assert begun.read() == known.read_text() != ""
