"""Keep how many cores of each core type the cloud has, and refuse orders that do not fit."""

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jobs.node_contract.documents import InvalidDocument
from jobs.simulator.spec import NodeSpec, RequestRefused
from jobs.simulator.store import write_atomically

# Cores of a core type that nobody has set: a multiple of the step that the seed decides.
MIN_CORES, MAX_CORES_BY_SEED, CORES_STEP = 1024, 4096, 64
MAX_CORES = 1_000_000
LONGEST_NAME = 64
MAX_CHANGES = 1000


class Capacity:
    """Cores by core type. What was set over the API is kept on disk and wins over `configured`."""

    def __init__(self, path: Path, seed: int, configured: Mapping[str, int]) -> None:
        self._path, self._seed, self._configured = path, seed, dict(configured)
        self._set: dict[str, int] = {}
        try:
            document = json.loads(path.read_text())
            self._set = {str(name): int(cores) for name, cores in document.items()}
        except FileNotFoundError:
            pass

    def total(self, core_type: str) -> int:
        """Return how many cores the cloud has of a core type."""
        known = {**self._configured, **self._set}
        if core_type in known:
            return known[core_type]
        return random.Random(f"{self._seed}/{core_type}").randrange(MIN_CORES, MAX_CORES_BY_SEED, CORES_STEP)

    def change(self, document: Any) -> None:
        """Set core types to a number of cores, or with null back to what they were; all or nothing."""
        if not isinstance(document, Mapping) or len(document) > MAX_CHANGES:
            raise InvalidDocument(
                "invalid_capacity", "The capacity must be a JSON object of core type: cores."
            )
        wanted = dict(self._set)
        for name, cores in document.items():
            if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
                raise InvalidDocument(
                    "invalid_capacity", f"A core type has a name of 1 to {LONGEST_NAME} characters."
                )
            if cores is None:
                wanted.pop(name, None)
            elif isinstance(cores, bool) or not isinstance(cores, int) or not 0 <= cores <= MAX_CORES:
                raise InvalidDocument(
                    "invalid_capacity", f"{name!r} needs a whole number from 0 to {MAX_CORES}."
                )
            else:
                wanted[name] = cores
        write_atomically(self._path, json.dumps(wanted))
        self._set = wanted

    def check(self, wanted: Iterable[NodeSpec], running: Iterable[NodeSpec]) -> None:
        """Raise Refused, with what is free, if an order does not fit beside the running nodes."""
        asked, taken = _count_cores(wanted), _count_cores(running)
        short = []
        for name, cores in sorted(asked.items()):
            total = self.total(name)
            free = max(0, total - taken[name])
            if cores > free:
                short.append(f"{cores} {name} cores were asked for, {free} of {total} are free")
        if short:
            raise RequestRefused("no_capacity", "; ".join(short) + ".")

    def as_json(self, running: Iterable[NodeSpec], core_types: Iterable[str] = ()) -> dict[str, Any]:
        """Return all, taken and free cores of the core types that are given, set or in use."""
        taken = _count_cores(running)
        names = sorted({*core_types, *self._configured, *self._set, *taken})
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


def _count_cores(nodes: Iterable[NodeSpec]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for node in nodes:
        counted[node.core_type] += node.cores
    return counted
