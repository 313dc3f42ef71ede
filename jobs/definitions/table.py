"""Read the keys of one TOML table by type; a value of another type becomes a problem. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jobs.definitions.problems import Path, Problems, closest_choice, quoted, suggestion

# Names that other systems use for our keys.
KEY_SYNONYMS = {
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
    "idleMinutes": "idle_minutes",
    "idle_limit": "idle_minutes",
    "percent": "at_least_percent",
    "run": "command",
}


class Table:
    """The table at `path`. Keys that are not in `known` are added to the problems at once."""

    def __init__(
        self, values: Mapping[str, Any], path: Path, problems: Problems, known: Sequence[str] | None = None
    ) -> None:
        self.values = values
        self.path = path
        self.problems = problems
        self._meant: set[str] = set()
        for key in values:
            if known is not None and key not in known:
                other = KEY_SYNONYMS.get(key, "")
                meant = other if other in known else closest_choice(key, known)
                self._meant.add(meant)
                hint = f"; did you mean '{meant}'?" if meant else suggestion(key, known)
                self.bad(key, f"there is no such key{hint}")

    def lacks(self, key: str) -> bool:
        """Whether a key is missing and no misspelt key, which is a problem already, seems to mean it."""
        return key not in self.values and key not in self._meant

    def bad(self, key: str, message: str) -> None:
        """Add a problem with a key."""
        self.problems.add((*self.path, key), message)

    def text(self, key: str, *, max_bytes: int, lines: bool = False) -> str | None:
        """Return a text, which may have several lines if `lines`; None when it is missing or wrong."""
        value = self.values.get(key)
        if value is None or not self._is(key, value, str, "a text in quotes"):
            return None
        if refused := text_refusal(value, max_bytes=max_bytes, lines=lines):
            self.bad(key, refused)
            return None
        return str(value)

    def texts(self, key: str, *, maximum: int, max_bytes: int) -> Iterator[tuple[str, str]]:
        """Yield the pairs of a table of multi-line texts."""
        found = self.table(key)
        if found is None:
            return
        if len(found.values) > maximum:
            self.bad(key, f"has {len(found.values)} entries; at most {maximum} are allowed.")
            return
        for name in found.values:
            text = found.text(name, max_bytes=max_bytes, lines=True)
            if text is not None:
                yield name, text

    def short_texts(self, key: str, *, maximum: int, max_bytes: int = 200) -> list[str]:
        """Return a list of short texts. A problem with one gets that text's own line."""
        value = self.values.get(key)
        if value is None or not self._is(key, value, list, 'a list of texts, such as ["one", "two"]'):
            return []
        if len(value) > maximum:
            self.bad(key, f"has {len(value)} entries; at most {maximum} are allowed.")
            return []
        found = []
        for number, text in enumerate(value):
            refused = (
                text_refusal(text, max_bytes=max_bytes, lines=False)
                if isinstance(text, str)
                else f"must be a text in quotes, not {quoted(text)}."
            )
            if refused:
                self.problems.add((*self.path, key, number), refused)
            elif text in found:
                self.problems.add((*self.path, key, number), f"{quoted(text)} is there twice.")
            else:
                found.append(text)
        return found

    def whole(self, key: str, *, minimum: int, maximum: int, default: int | None = None) -> int | None:
        """Return a whole number within bounds; None when it is wrong."""
        value = self.values.get(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            self.bad(key, f"must be a whole number from {minimum} to {maximum}, not {quoted(value)}.")
            return None
        return value

    def number(self, key: str, *, more_than: float, maximum: float, unit: str) -> float | None:
        """Return a finite number within bounds; None when it is missing or wrong."""
        value = self.values.get(key)
        if value is None:
            return None
        good = isinstance(value, int | float) and not isinstance(value, bool) and more_than < value <= maximum
        if not good:
            self.bad(
                key, f"must be more than {more_than:g} and at most {maximum:g} {unit}, not {quoted(value)}."
            )
            return None
        return float(value)

    def flag(self, key: str) -> bool | None:
        """Return true or false; None when it is missing or wrong."""
        value = self.values.get(key)
        if value is None or not self._is(key, value, bool, "true or false, without quotes"):
            return None
        return bool(value)

    def table(self, key: str, known: Sequence[str] | None = None) -> "Table | None":
        """Return a table within this one; None when it is missing or not a table."""
        value = self.values.get(key)
        if value is None or not self._is(key, value, dict, f"a table: write [{key}] on a line of its own"):
            return None
        return Table(value, (*self.path, key), self.problems, known)

    def _is(self, key: str, value: object, kind: type, wanted: str) -> bool:
        if isinstance(value, kind):
            return True
        self.bad(key, f"must be {wanted}; here it is {_kind_of(value)}.")
        return False


def text_refusal(text: str, *, max_bytes: int, lines: bool) -> str:
    """Return what is wrong with a text, as a sentence; empty when nothing is."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > max_bytes:
        return f"is too long: {_size(size)}; at most {_size(max_bytes)} are allowed."
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
