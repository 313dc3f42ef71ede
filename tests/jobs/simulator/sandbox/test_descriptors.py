"""The simulator opens as many descriptors as the system allows."""

from pathlib import Path

from tests.jobs.simulator.simulator_process import Simulator


def test_the_simulator_takes_the_descriptors_it_may_have(simulator: Simulator) -> None:
    line = next(
        line
        for line in Path(f"/proc/{simulator.process.pid}/limits").read_text().splitlines()
        if line.startswith("Max open files")
    )
    assert line.split()[3] == line.split()[4]
