"""How many cores of each core type the cloud has: seeded, settable, kept on disk."""

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jobs.simulator.spec import NodeSpec, Refused
from jobs.simulator.store import write

LEAST, MOST, STEP = 1024, 4096, 64  # cores of a core type nobody has set
MOST_CORES = 1_000_000
LONGEST_NAME = 64


class Capacity:
    """The limits; what is taken is told by whoever asks. A person's word wins over the environment's."""

    def __init__(self, path: Path, seed: int, told: Mapping[str, int]) -> None:
        self._path, self._seed, self._told = path, seed, dict(told)
        self._set: dict[str, int] = {}
        try:
            document = json.loads(path.read_text())
            self._set = {str(name): int(cores) for name, cores in document.items()}
        except FileNotFoundError:
            pass

    def total(self, core_type: str) -> int:
        """Cores the cloud has of a core type."""
        told = {**self._told, **self._set}
        if core_type in told:
            return told[core_type]
        return random.Random(f"{self._seed}/{core_type}").randrange(LEAST, MOST, STEP)

    def change(self, document: Any) -> None:
        """Set core types to a number of cores, or (null) back to what they were; all or nothing."""
        if not isinstance(document, Mapping) or len(document) > 1000:
            raise Refused("invalid_capacity", "The capacity must be a JSON object of core type: cores.")
        wanted = dict(self._set)
        for name, cores in document.items():
            if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
                raise Refused(
                    "invalid_capacity", f"A core type has a name of 1 to {LONGEST_NAME} characters."
                )
            if cores is None:
                wanted.pop(name, None)
            elif isinstance(cores, bool) or not isinstance(cores, int) or not 0 <= cores <= MOST_CORES:
                raise Refused("invalid_capacity", f"{name!r} needs a whole number from 0 to {MOST_CORES}.")
            else:
                wanted[name] = cores
        write(self._path, json.dumps(wanted))
        self._set = wanted

    def check(self, wanted: Iterable[NodeSpec], running: Iterable[NodeSpec]) -> None:
        """Refuse what does not fit beside what runs, and say what is free."""
        asked, taken = _cores(wanted), _cores(running)
        short = []
        for name, cores in sorted(asked.items()):
            total = self.total(name)
            free = max(0, total - taken[name])
            if cores > free:
                short.append(f"{cores} {name} cores were asked for, {free} of {total} are free")
        if short:
            raise Refused("no_capacity", "; ".join(short) + ".", 409)

    def as_json(self, running: Iterable[NodeSpec], also: Iterable[str] = ()) -> dict[str, Any]:
        """Cores in all, taken and free, by core type: those that are named, set or in use."""
        taken = _cores(running)
        names = sorted({*also, *self._told, *self._set, *taken})
        return {
            "capacity": {
                name: {
                    "cores": self.total(name),
                    "taken": taken[name],
                    "free": max(0, self.total(name) - taken[name]),
                    "set": name in self._set,
                }
                for name in names
            }
        }


def _cores(nodes: Iterable[NodeSpec]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for node in nodes:
        counted[node.core_type] += node.cores
    return counted
