"""One gateway process with 500 idle terminals and 20 busy ones: memory, processor time, how long a key's echo takes.

The same sshd and client as in `benchmarks.terminal`. Printed beside each other: the gateway with one terminal, and with
all of them; plain ssh for comparison. Run on a machine that does nothing else:
`.venv/bin/python -m benchmarks.terminal_many` (about five minutes); `--idle 50 --busy 5` to see that it works.
"""

import argparse
import os
import tempfile
import time
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

from benchmarks.terminals import measures, server
from benchmarks.terminals.contestants import PlainSSH, Screen
from benchmarks.terminals.headnode import Headnode
from benchmarks.terminals.memory import cpu_seconds, pss_mb

KEYS = 500
WATCH_SECONDS = 15.0
SHARE = 25


def watch(contestant: Headnode) -> tuple[float, float]:
    """MB (PSS) of the gateway, and percent of one processor it uses while nobody types."""
    before, began = cpu_seconds(contestant.processes()), time.perf_counter()
    time.sleep(WATCH_SECONDS)
    used = cpu_seconds(contestant.processes()) - before
    return pss_mb(contestant.processes()), 100 * used / (time.perf_counter() - began)


def shares(count: int) -> list[int]:
    """The count in shares of what is read by one process."""
    return [min(SHARE, count - begin) for begin in range(0, count, SHARE)]


def read_elsewhere(stack: ExitStack, screens: list[Screen]) -> None:
    """Have another process read these until the end, as so many browsers would: idle ones have pings to answer."""
    reader = get_context("fork").Process(target=measures.read_all, args=(screens,), daemon=True)
    reader.start()
    stack.callback(reader.join)
    stack.callback(reader.terminate)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure one gateway with many terminals.")
    parser.add_argument("--idle", type=int, default=500)
    parser.add_argument("--busy", type=int, default=measures.BUSY_SESSIONS)
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hn-bench-")))
        sshd = server.start(folder / "sshd")
        stack.callback(sshd.stop)
        ours = Headnode(sshd, folder)
        stack.callback(ours.stop)
        ours.start()
        plain = measures.echo(PlainSSH(sshd, folder), KEYS)
        alone = measures.echo(ours, KEYS)
        memory_alone, cpu_alone = watch(ours)
        began = time.perf_counter()
        for count in shares(asked.idle):
            idle = [measures.opened(ours) for _ in range(count)]
            read_elsewhere(stack, idle)
        opening = time.perf_counter() - began
        memory_idle, cpu_idle = watch(ours)
        among_idle = measures.echo(ours, KEYS)
        busy = [measures.opened(ours) for _ in range(asked.busy)]
        for screen in busy:
            screen.type(measures.BUSY.encode())
        read_elsewhere(stack, busy)
        time.sleep(2.0)
        memory_all, cpu_all = watch(ours)
        among_all = measures.echo(ours, KEYS)
    print(
        f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f} at the end; {asked.idle} sessions opened ",
        end="",
    )
    print(f"one after the other in {opening:.1f} s ({asked.idle / opening:.0f} a second)")
    print("| | memory, MB (PSS) | processor | echo p50, ms | echo p99, ms |")
    print("| --- | --- | --- | --- | --- |")
    print(f"| plain ssh, one | | | {plain[0]:.2f} | {plain[1]:.2f} |")
    for what, memory, cpu, (p50, p99) in (
        ("one terminal", memory_alone, cpu_alone, alone),
        (f"and {asked.idle} idle ones", memory_idle, cpu_idle, among_idle),
        (f"and {asked.busy} busy ones", memory_all, cpu_all, among_all),
    ):
        print(f"| {what} | {memory:.0f} | {cpu:.1f} % | {p50:.2f} | {p99:.2f} |")
    print(f"memory per idle session: {(memory_idle - memory_alone) / asked.idle:.3f} MB")


if __name__ == "__main__":
    main()
