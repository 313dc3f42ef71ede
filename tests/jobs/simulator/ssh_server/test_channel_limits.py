"""One connection has a limited number of channels, and its client is told so."""

import subprocess
from pathlib import Path

from jobs.simulator.ssh_server.channel_limits import MAX_CHANNELS
from tests.jobs.simulator.simulator_process import Simulator
from tests.waiting import wait_for


def test_one_connection_has_so_many_channels_and_is_told(simulator: Simulator, keys: dict[str, Path]) -> None:
    made = simulator.create("Chan01", computes=0)
    control = simulator.folder / "mux"
    mux = ("-o", f"ControlPath={control}", "-o", "ControlPersist=no")
    master = made.command(keys["alice"], extra=("-MNv", *mux))
    master[master.index("LogLevel=ERROR")] = "LogLevel=INFO"
    errors = simulator.folder / "mux.log"
    with open(errors, "wb") as log:
        running = [subprocess.Popen(master, stderr=log, stdin=subprocess.DEVNULL)]
    try:
        wait_for(control.exists, "the master connection is up")
        for _ in range(MAX_CHANNELS):
            one = made.command(keys["alice"], "echo up; cat", extra=mux)
            running.append(
                subprocess.Popen(
                    one, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
            )
        for each in running[1:]:
            assert each.stdout is not None
            assert each.stdout.readline() == b"up\n"
        # The client then makes a connection of its own.
        assert b"Session open refused" in made.ssh(keys["alice"], "true", extra=mux).stderr
        said = b"64 channels open, the most there may be"
        wait_for(lambda: said in errors.read_bytes(), "the client is told")
        assert made.ssh(keys["alice"], "echo in").stdout == b"in\n", "another connection has its own"
    finally:
        for each in running:
            each.kill()
            each.communicate()
