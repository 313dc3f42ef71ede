"""Reading the keys of one TOML table, each as the kind it must be; what is not, is a problem with a sentence. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jobs.definitions.problems import Path, Problems, nearest, shown, suggestion

# What people call things elsewhere.
OTHER_WORDS = {
    "walltime": "hours",
    "wall_time": "hours",
    "max_hours": "hours",
    "title": "name",
    "nodes": "members",
    "member": "members",
    "instances": "members",
    "cpus": "cores",
    "cores_per_slot": "cores",
    "ncpus": "cores",
    "type": "core_type",
    "coretype": "core_type",
    "coreType": "core_type",
    "flavor": "core_type",
    "number": "count",
    "quantity": "count",
    "slots": "count",
    "script": "scripts",
    "files": "input_files",
    "input": "input_files",
    "inputs": "input_files",
    "env": "environment",
    "envVars": "environment",
    "timeouts": "phase_timeouts",
    "phases": "scripts",
    "autoTerminateCluster": "auto_terminate",
    "percent": "at_least_percent",
    "run": "command",
}


class Table:
    """One table at `path`. Keys that are not `known` are problems at once."""

    def __init__(
        self, values: Mapping[str, Any], path: Path, problems: Problems, known: Sequence[str] | None = None
    ) -> None:
        self.values = values
        self.path = path
        self.problems = problems
        self._meant: set[str] = set()
        for key in values:
            if known is not None and key not in known:
                other = OTHER_WORDS.get(key, "")
                meant = other if other in known else nearest(key, known)
                self._meant.add(meant)
                hint = f"; did you mean '{meant}'?" if meant else suggestion(key, known)
                self.bad(key, f"there is no such key{hint}")

    def lacks(self, key: str) -> bool:
        """Whether a key is missing, and none that was misspelt seems to mean it: that is a problem already."""
        return key not in self.values and key not in self._meant

    def bad(self, key: str, message: str) -> None:
        """Say what is wrong with a key."""
        self.problems.add((*self.path, key), message)

    def text(self, key: str, *, most_bytes: int, lines: bool = False) -> str | None:
        """A text, of several lines if `lines`; None when it is missing or wrong."""
        value = self.values.get(key)
        if value is None or not self._is(key, value, str, "a text in quotes"):
            return None
        if refused := refusal(value, most_bytes=most_bytes, lines=lines):
            self.bad(key, refused)
            return None
        return str(value)

    def texts(self, key: str, *, most: int, most_bytes: int) -> Iterator[tuple[str, str]]:
        """The pairs of a table of texts of several lines."""
        found = self.table(key)
        if found is None:
            return
        if len(found.values) > most:
            self.bad(key, f"has {len(found.values)} entries; at most {most} are allowed.")
            return
        for name in found.values:
            text = found.text(name, most_bytes=most_bytes, lines=True)
            if text is not None:
                yield name, text

    def words(self, key: str, *, most: int, most_bytes: int = 200) -> list[str]:
        """A list of short texts; what is wrong with one is said at its own line."""
        value = self.values.get(key)
        if value is None or not self._is(key, value, list, 'a list of texts, such as ["one", "two"]'):
            return []
        if len(value) > most:
            self.bad(key, f"has {len(value)} entries; at most {most} are allowed.")
            return []
        found = []
        for number, word in enumerate(value):
            refused = (
                refusal(word, most_bytes=most_bytes, lines=False)
                if isinstance(word, str)
                else f"must be a text in quotes, not {shown(word)}."
            )
            if refused:
                self.problems.add((*self.path, key, number), refused)
            elif word in found:
                self.problems.add((*self.path, key, number), f"{shown(word)} is there twice.")
            else:
                found.append(word)
        return found

    def whole(self, key: str, *, least: int, most: int, default: int | None = None) -> int | None:
        """A whole number within bounds; None when it is wrong."""
        value = self.values.get(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.bad(key, f"must be a whole number from {least} to {most}, not {shown(value)}.")
            return None
        return value

    def number(self, key: str, *, more_than: float, most: float, unit: str) -> float | None:
        """A finite number within bounds; None when it is missing or wrong."""
        value = self.values.get(key)
        if value is None:
            return None
        good = isinstance(value, int | float) and not isinstance(value, bool) and more_than < value <= most
        if not good:
            self.bad(key, f"must be more than {more_than:g} and at most {most:g} {unit}, not {shown(value)}.")
            return None
        return float(value)

    def flag(self, key: str) -> bool | None:
        """True or false; None when it is missing or wrong."""
        value = self.values.get(key)
        if value is None or not self._is(key, value, bool, "true or false, without quotes"):
            return None
        return bool(value)

    def table(self, key: str, known: Sequence[str] | None = None) -> "Table | None":
        """A table within this one; None when it is missing or something else."""
        value = self.values.get(key)
        if value is None or not self._is(key, value, dict, f"a table: write [{key}] on a line of its own"):
            return None
        return Table(value, (*self.path, key), self.problems, known)

    def _is(self, key: str, value: object, kind: type, wanted: str) -> bool:
        if isinstance(value, kind):
            return True
        self.bad(key, f"must be {wanted}; here it is {_kind_of(value)}.")
        return False


def refusal(text: str, *, most_bytes: int, lines: bool) -> str:
    """What is wrong with a text, as a sentence; empty when nothing is."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > most_bytes:
        return f"is too long: {_size(size)}; at most {_size(most_bytes)} are allowed."
    allowed = "\t\n\r" if lines else ""
    if any((ord(c) < 32 and c not in allowed) or ord(c) == 127 for c in text):
        what = "control characters (such as NUL)" if lines else "line breaks or control characters"
        return f"has {what}; remove them."
    return ""


def _size(size: int) -> str:
    return f"{size} bytes" if size < 1024 else f"{size // 1024} kB"


def _kind_of(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "a table"
    return "a date or a time"
