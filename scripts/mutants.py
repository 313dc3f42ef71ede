"""Break the core on purpose, one place at a time, and see whether the tests notice: `make mutants`.

1. Copy the tree, so that neither the tests nor the mutants change while it runs.
2. Find every place in the pure modules (as .importlinter lists them) and in CORE that can be broken in a small,
   meaningful way. Decorators, annotations and log messages promise nothing and are left alone; so is what EQUIVALENT
   names.
3. Draw COUNT of them by SEED: the same numbers give the same sample while the code stays as it is.
4. For each: break it, run the tests that import the module, those that mirror its room, then those of the rooms that
   use it, until one fails.
5. Run the tests that failed once more, with nothing broken: one that fails again has noticed nothing.
6. Print each survivor with its line, and the share that was noticed.

Why not mutmut or cosmic-ray: both run one command for every mutant; here each module has tests of its own to run, and
a whole Django project with a Redis beside it has to be copied, not installed.
"""

import argparse
import ast
import configparser
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from queue import Queue

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Not pure, but what everything else leans on.
CORE = (
    "accounts.audit.trail",
    "accounts.keys.validity",
    "accounts.users.session_validity",
    "jobs.access",
    "jobs.context.broker",
    "jobs.context.tokens",
    "jobs.control",
    "jobs.events.job_log",
    "jobs.events.wakeups",
    "jobs.lifetime",
    "jobs.models.claims",
    "jobs.storage.output_collection",
    "sshgateway.authorization",
    "sshgateway.certificates",
    "sshgateway.terminals",
)
COPIED = ("accounts", "benchmarks", "jobs", "portal", "scripts", "sshgateway", "templates", "tests", "docs")
COPIED_FILES = ("manage.py", "pyproject.toml", ".importlinter", "Makefile", "docker-compose.yml", "README.md")
LINKED = (".venv", "static", "node_modules")
# Tests of one mutant that take longer have not noticed it: one that hangs fails by itself, after TEST_SECONDS.
RUN_SECONDS, TEST_SECONDS = 900, 60
# Never run for a mutant, or only for one of their own room: they start whole portals, browsers, or many sandboxes.
MARKS = "not (portal or browser)"
SLOW = ("tests/acceptance/", "tests/browser/", "tests/jobs/simulator/", "tests/portal/")
# Keywords that change nothing that a test could see, each with the reason.
EQUIVALENT = {
    "daemon": "only counts when the process exits in the middle of a step",
    "using": "there is one database; only migrations name its alias",
    "robust": "only counts when a later callback of the same commit raises",
    "strict": "the two sequences are made equally long a line before",
}
# fmt: off
SWAPPED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"), ast.And: ("and", "or"), ast.Or: ("or", "and"),
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"),
}
# fmt: on


@dataclass(frozen=True)
class Mutant:
    """One place broken in one way: the characters from `start` to `end` of the file become `text`."""

    path: str
    line: int
    start: int
    end: int
    text: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.what}"

    def applied_to(self, whole: str) -> str:
        """The file's text, broken."""
        return whole[: self.start] + self.text + whole[self.end :]


class Source:
    """A file's text with the offsets that syntax nodes name by line and UTF-8 column."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text()
        self.lines = self.text.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def offset(self, line: int, column: int) -> int:
        """Where a node's line and column are in the text."""
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        """Where a node begins and ends in the text."""
        end = self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return self.offset(node.lineno, node.col_offset), end


def changes(source: Source, tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, int, int, str, str]]:
    """Every small change: the node it is in, the span, the new text, and what it is in words."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in _walk(tree):
        if isinstance(node, ast.Compare):
            yield from _between(source, node, [node.left, *node.comparators], node.ops)
        elif isinstance(node, ast.BoolOp):
            yield from _between(source, node, node.values, [node.op] * (len(node.values) - 1))
        elif isinstance(node, ast.BinOp) and type(node.op) in SWAPPED:
            yield from _between(source, node, [node.left, node.right], [node.op])
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            start, end = source.span(node)
            inner = source.text[slice(*source.span(node.operand))]
            yield node, start, end, f"({inner})", "a `not` is left out"
        elif isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield from _constant(source, node)
        elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
            start, end = source.span(node.value)
            yield node, start, end, "None", "nothing is returned"
        elif isinstance(node, ast.Raise):
            yield node, *source.span(node), "pass", "nothing is raised"
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield node, *source.span(node), "pass", "a call is left out"
        elif isinstance(node, ast.Call) and node.keywords:
            yield from _without_keywords(source, node)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below, but nothing of decorators, annotations and log messages."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("decorator_list", "annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_logging(child):
                yield from _walk(child)


def _is_logging(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and ast.unparse(node).startswith(("logger.", "log."))


def _between(
    source: Source, node: ast.expr, operands: list[ast.expr], operators: Sequence[ast.AST]
) -> Iterator[tuple[ast.expr, int, int, str, str]]:
    for left, right, operator in zip(operands, operands[1:], operators, strict=False):
        if type(operator) not in SWAPPED:
            continue
        old, new = SWAPPED[type(operator)]
        start, end = source.span(left)[1], source.span(right)[0]
        gap = source.text[start:end]
        if old in gap:
            yield node, start, end, gap.replace(old, new, 1), f"{old} -> {new}"


def _constant(source: Source, node: ast.Constant) -> Iterator[tuple[ast.expr, int, int, str, str]]:
    start, end = source.span(node)
    if isinstance(node.value, bool):
        yield node, start, end, str(not node.value), f"{node.value} -> {not node.value}"
    elif isinstance(node.value, int | float):
        # One byte more or less in a limit of kilobytes is no fault; half as much again is.
        changed = node.value + 1 if abs(node.value) < 20 else node.value + node.value // 2
        yield node, start, end, repr(changed), f"{node.value} -> {changed}"


def _without_keywords(source: Source, node: ast.Call) -> Iterator[tuple[ast.expr, int, int, str, str]]:
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg in EQUIVALENT:
            continue
        start, end = source.span(keyword)
        rest = source.text[end:]
        after = len(rest) - len(rest.lstrip(" \n"))
        if rest[after : after + 1] == ",":
            end += after + 1
        yield node, start, end, "", f"{keyword.arg}= is left out"


def mutants_of(path: Path, root: Path) -> list[Mutant]:
    """Every way to break one file, also those that `is_meaningful` does not accept."""
    source = Source(path)
    name = str(path.relative_to(root))
    return [
        Mutant(name, node.lineno, start, end, text, what)
        for node, start, end, text, what in changes(source, ast.parse(source.text))
    ]


def is_meaningful(mutant: Mutant, root: Path) -> bool:
    """Whether the broken file still compiles and is another program."""
    whole = (root / mutant.path).read_text()
    broken = mutant.applied_to(whole)
    try:
        compile(broken, mutant.path, "exec")
    except SyntaxError:
        return False
    return ast.dump(ast.parse(broken)) != ast.dump(ast.parse(whole))


def modules(root: Path) -> list[Path]:
    """The files that may be broken: the pure modules and the core."""
    contracts = configparser.ConfigParser()
    contracts.read(root / ".importlinter")
    names = contracts["importlinter:contract:pure"]["source_modules"].split()
    found = set[Path]()
    for name in (*names, *CORE):
        path = root / name.replace(".", "/")
        found |= set(path.rglob("*.py")) if path.is_dir() else {path.with_suffix(".py")}
    return sorted(path for path in found if path.exists() and path.name != "__init__.py")


@cache
def importers(root: Path) -> dict[str, set[str]]:
    """For each module of ours, the files that import it."""
    found: dict[str, set[str]] = {}
    for path in (path for name in COPIED for path in (root / name).rglob("*.py")):
        shown = str(path.relative_to(root))
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                found.setdefault(name, set()).add(shown)
    return found


def tests_for(path: str, root: Path) -> list[list[str]]:
    """The tests that should notice: first those of the module, then those of its room and of rooms that use it."""
    room = f"tests/{os.path.dirname(path)}/"
    using = importers(root).get(path.removesuffix(".py").replace("/", "."), set())
    rooms = {room, *(f"tests/{os.path.dirname(user)}/" for user in using if not user.startswith("tests/"))}
    near, far = [], []
    for test in sorted((root / "tests").rglob("test_*.py")):
        shown = str(test.relative_to(root))
        folder = os.path.dirname(shown) + "/"
        if shown.startswith(SLOW) and folder != room:
            continue
        if shown in using and folder == room:
            near.append(shown)
        elif shown in using or folder in rooms:
            far.append(shown)
    return [tests for tests in (near, far) if tests]


def make_copy(folder: Path) -> None:
    """Copy the tree, with what is large linked instead of copied."""
    folder.mkdir()
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in COPIED_FILES:
        shutil.copy(ROOT / name, folder / name)
    for name in LINKED:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)


class Runner:
    """Runs tests in copies of the tree, several at once, until `stop`."""

    def __init__(self, copies: list[Path]) -> None:
        self._free: Queue[Path] = Queue()
        self._running: set[subprocess.Popen[str]] = set()
        self._is_stopped = False
        for copy in copies:
            self._free.put(copy)

    def noticed_by(self, mutant: Mutant) -> str:
        """Break a copy, run the tests, mend it. Return the test that noticed; empty if none did."""
        copy = self._free.get()
        file = copy / mutant.path
        whole = file.read_text()
        try:
            file.write_text(mutant.applied_to(whole))
            return next(
                (failed[0] for tests in tests_for(mutant.path, copy) if (failed := self.run(tests, copy))), ""
            )
        finally:
            file.write_text(whole)
            self._free.put(copy)

    def run(self, tests: list[str], copy: Path, *options: str) -> list[str]:
        """Run tests until one fails, or all with other options. Return those that failed."""
        if self._is_stopped:
            raise KeyboardInterrupt
        usual = ("-q", "-m", MARKS, "-p", "no:cacheprovider", "--timeout", str(TEST_SECONDS))
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *usual, *(options or ("-x",)), *tests],
            cwd=copy,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "TEST_LIMIT_SECONDS": "15"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._running.add(process)
        try:
            output, _ = process.communicate(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            return []
        finally:
            self._running.discard(process)
            _kill(process)
            process.wait()
        if process.returncode in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
            return []
        if process.returncode in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
            raise RuntimeError(f"pytest could not run:\n{output[-2000:]}")
        # A mutant that ends the process leaves no line.
        return re.findall(r"^(?:FAILED|ERROR) (\S+\.py(?:::\w+)*)", output, re.MULTILINE) or tests[:1]

    def stop(self) -> None:
        """End what runs, and start nothing more."""
        self._is_stopped = True
        for process in list(self._running):
            _kill(process)


def _kill(process: "subprocess.Popen[str]") -> None:
    """End the tests with their Redis and all other children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run_sample(sample: list[Mutant], copies: list[Path]) -> list[Mutant]:
    """Run every mutant of the sample, several at once. Return the survivors."""
    runner, pool = Runner(copies), ThreadPoolExecutor(len(copies))
    noticed: dict[Mutant, str] = {}
    try:
        for number, (mutant, test) in enumerate(
            zip(sample, pool.map(runner.noticed_by, sample), strict=True), 1
        ):
            print(f"{number:4} {mutant}: {test or 'SURVIVED'}", flush=True)
            if test:
                noticed[mutant] = test
        unsound = runner.run(sorted(set(noticed.values())), copies[0], "--maxfail=1000") if noticed else []
    finally:
        runner.stop()
        pool.shutdown(wait=True, cancel_futures=True)
    for test in unsound:
        print(f"{test} fails although nothing is broken: what it noticed does not count.")
    return [mutant for mutant in sample if noticed.get(mutant, "") in ("", *unsound)]


def main() -> int:
    """Run the sample. 0 when at least `--least` percent of it was noticed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--least", type=float, default=95.0, help="percent that must be noticed")
    parser.add_argument("--only", default="", help="paths that begin so")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="headnode-mutants-", ignore_cleanup_errors=True) as folder:
        copies = [Path(folder) / str(number) for number in range(asked.jobs)]
        make_copy(copies[0])
        for copy in copies[1:]:
            shutil.copytree(copies[0], copy, symlinks=True)
        every = [mutant for path in modules(copies[0]) for mutant in mutants_of(path, copies[0])]
        every = [mutant for mutant in every if mutant.path.startswith(asked.only)]
        random.Random(asked.seed).shuffle(every)
        meaningful = (mutant for mutant in every if is_meaningful(mutant, copies[0]))
        sample = list(islice(meaningful, asked.count))
        survivors = run_sample(sample, copies)
    noticed = 100 * (1 - len(survivors) / len(sample)) if sample else 0.0
    print(f"\n{len(sample)} of {len(every)} mutants, seed {asked.seed}: {noticed:.0f} % noticed.")
    for mutant in survivors:
        print(f"  {mutant}")
    return 0 if noticed >= asked.least else 1


if __name__ == "__main__":
    sys.exit(main())
