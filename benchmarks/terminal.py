"""A shell in the browser, against plain `ssh` in a local pty and other web terminals, from one run.

Starts one OpenSSH server on loopback and reaches it by plain ssh, webssh (installed into a virtual environment of its
own), ttyd where it is installed, and this portal: the embedded stack as `make run` starts it, spoken to over its
documented protocol. One light client measures them all, in turns; echoes take turns every second or so, so that what
the machine does meanwhile meets each alike. What each row is, is said in `benchmarks.terminals.measures`; in brackets
the ratio to plain ssh.

Run on a machine that does nothing else: `.venv/bin/python -m benchmarks.terminal` (three runs, medians; about twenty
minutes). `--quick` is one short run to see that it works; `--only headnode` leaves the others out (plain ssh stays).
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.terminals import measures, server
from benchmarks.terminals.contestants import Contestant, PlainSSH, Ttyd, WebSSH
from benchmarks.terminals.headnode import Headnode

RUNS = 3


@dataclass(frozen=True)
class Extent:
    """How long things are measured."""

    keys: int
    stall_seconds: float
    draw_seconds: float
    idle_sessions: int
    opens: int


FULL = Extent(keys=500, stall_seconds=10, draw_seconds=3, idle_sessions=60, opens=60)
QUICK = Extent(keys=120, stall_seconds=2, draw_seconds=1, idle_sessions=10, opens=12)

Measured = dict[str, float]


def measure_together(contestants: list[Contestant], extent: Extent, rows: list[str]) -> dict[str, Measured]:
    """One run of what is a matter of parts of a millisecond: all take turns."""
    found: dict[str, Measured] = {contestant.name: {} for contestant in contestants}
    for name, (what, take) in TOGETHER.items():
        if name not in rows:
            continue
        print(f"  echo{what}, in turns", file=sys.stderr)
        try:
            taken = take(contestants, extent.keys)
        except Exception as error:  # noqa: BLE001 (the other rows can still be measured)
            print(f"  echo{what}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        for contestant, (p50, p99) in zip(contestants, taken, strict=True):
            found[contestant.name] |= {f"echo p50{what}, ms": p50, f"echo p99{what}, ms": p99}
    return found


def measure(contestant: Contestant, extent: Extent, rows: list[str]) -> Measured:
    """One run of the rest of what is asked for."""
    found: Measured = {}
    for name, take in MEASURES.items():
        if name not in rows:
            continue
        try:
            found |= take(contestant, extent)
        except Exception as error:  # noqa: BLE001 (a contestant that fails one row goes on with the next)
            print(f"  {contestant.name}, {name}: {type(error).__name__}: {error}", file=sys.stderr)
    return found


def _stall(contestant: Contestant, extent: Extent) -> Measured:
    grown, lives = measures.stall(contestant, extent.stall_seconds)
    return {
        "memory growth, client stalls in a flood, MB": grown,
        "session lives after the stall": float(lives),
    }


Together = Callable[[list[Contestant], int], list[tuple[float, float]]]
TOGETHER: dict[str, tuple[str, Together]] = {
    "echo": (", idle", measures.echo_in_turns),
    "busy": (" with 20 busy sessions", measures.echo_among_busy_in_turns),
}
MEASURES: dict[str, Callable[[Contestant, Extent], Measured]] = {
    "cat": lambda who, extent: {"64 MB cat, MB/s": measures.cat(who)},
    "stall": _stall,
    "interrupt": lambda who, extent: {
        "Ctrl-C to prompt in a flood, drawing 2 MB/s, ms": measures.interrupt(who, extent.draw_seconds)
    },
    "memory": lambda who, extent: {
        "memory per idle session, MB (PSS)": measures.idle_memory(who, extent.idle_sessions)
    },
    "opens": lambda who, extent: {"sessions opened per second": measures.opens_per_second(who, extent.opens)},
    "survives": lambda who, extent: {"shell survives a dropped connection": float(measures.survives(who))},
}
YES_OR_NO = ("session lives after the stall", "shell survives a dropped connection")


def table(medians: dict[str, Measured]) -> str:
    """The table, as Markdown."""
    names = list(medians)
    lines = [f"| | {' | '.join(names)} |", "| --- |" + " --- |" * len(names)]
    plain = medians[PlainSSH.name]
    rows = [row for found in medians.values() for row in found]
    for row in dict.fromkeys(rows):
        cells = []
        for name in names:
            value = medians[name].get(row)
            if value is None:
                cells.append("failed")
            elif row in YES_OR_NO:
                cells.append("yes" if value == 1 else "no")
            else:
                ratio = (
                    f" ({value / plain[row]:.2f}x)" if plain.get(row, 0) > 0 and name != PlainSSH.name else ""
                )
                cells.append(f"{value:.3g}{ratio}")
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description="Measure terminals side by side.")
    parser.add_argument("--quick", action="store_true", help="one short run, to see that it works")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--only", default="", help="contestants by name, separated by commas")
    rows = [*TOGETHER, *MEASURES]
    parser.add_argument("--rows", default=",".join(rows), help=f"any of {', '.join(rows)}")
    asked = parser.parse_args()
    runs, extent = (1, QUICK) if asked.quick else (asked.runs, FULL)
    others: list[type[Contestant]] = [WebSSH, *([Ttyd] if Ttyd.is_here() else []), Headnode]
    chosen = [kind for kind in others if not asked.only or kind.name.split()[0] in asked.only.split(",")]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hn-bench-")))
        sshd = server.start(folder / "sshd")
        stack.callback(sshd.stop)
        kinds: list[type[Contestant]] = [PlainSSH, *chosen]
        contestants = [kind(sshd, folder) for kind in kinds]
        for contestant in contestants:
            stack.callback(contestant.stop)
            contestant.start()
        runs_of: dict[str, list[Measured]] = {contestant.name: [] for contestant in contestants}
        for number in range(runs):
            print(f"run {number + 1} of {runs}", file=sys.stderr)
            together = measure_together(contestants, extent, asked.rows.split(","))
            for contestant in contestants:
                print(f"  {contestant.name}", file=sys.stderr)
                alone = measure(contestant, extent, asked.rows.split(","))
                runs_of[contestant.name].append(together[contestant.name] | alone)
    medians = {
        name: {row: statistics.median(one[row] for one in found if row in one) for row in found[0]}
        for name, found in runs_of.items()
    }
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"cores {os.cpu_count()}, runs {runs}{', quick' if asked.quick else ''}, {load} at the end")
    print(table(medians))


if __name__ == "__main__":
    main()
