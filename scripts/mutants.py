"""Break the core on purpose, one line at a time, and see whether the tests notice: `make mutants`.

1. Find every place in the pure modules (as .importlinter lists them) and in CORE that can be
   broken in a small, meaningful way; decorators, annotations and log messages promise nothing and are left alone.
2. Draw COUNT of them by SEED, so that the same numbers give the same sample while the code stays as it is.
3. For each, in a copy of the tree: break it, run the tests that import the module and those that mirror its room, note
   whether any failed.
4. Print each survivor with its line, and the share that was noticed.

Why not mutmut or cosmic-ray: both run one command for every mutant; here each module has tests of its own to run, and
a whole Django project with a Redis beside it has to be copied, not installed.
"""

import argparse
import ast
import configparser
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

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
TEST_SECONDS = 240
SWAPPED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: (" in ", " not in "),
    ast.NotIn: (" not in ", " in "),
    ast.Is: (" is ", " is not "),
    ast.IsNot: (" is not ", " is "),
    ast.And: (" and ", " or "),
    ast.Or: (" or ", " and "),
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
}


@dataclass(frozen=True)
class Mutant:
    """One place broken in one way: the characters from `start` to `end` of the file become `text`."""

    path: str
    line: int
    start: int
    end: int
    text: str
    what: str


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
        return (
            self.offset(node.lineno, node.col_offset),
            self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0),
        )


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
        elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
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


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _between(
    source: Source, node: ast.expr, operands: list[ast.expr], operators: Sequence[ast.AST]
) -> Iterator[tuple[ast.expr, int, int, str, str]]:
    for left, right, operator in zip(operands, operands[1:], operators, strict=False):
        if type(operator) not in SWAPPED:
            continue
        old, new = SWAPPED[type(operator)]
        start, end = source.span(left)[1], source.span(right)[0]
        gap = source.text[start:end]
        if old.strip() in gap:
            yield (
                node,
                start,
                end,
                gap.replace(old.strip(), new.strip(), 1),
                f"{old.strip()} -> {new.strip()}",
            )


def _constant(source: Source, node: ast.Constant) -> Iterator[tuple[ast.expr, int, int, str, str]]:
    start, end = source.span(node)
    if isinstance(node.value, bool):
        yield node, start, end, str(not node.value), f"{node.value} -> {not node.value}"
    elif isinstance(node.value, int | float):
        yield node, start, end, repr(node.value + 1), f"{node.value} -> {node.value + 1}"


def _without_keywords(source: Source, node: ast.Call) -> Iterator[tuple[ast.expr, int, int, str, str]]:
    for keyword in node.keywords:
        if keyword.arg is None:
            continue
        start, end = source.span(keyword)
        rest = source.text[end:]
        after = len(rest) - len(rest.lstrip(" \n"))
        if rest[after : after + 1] == ",":
            end += after + 1
        yield node, start, end, "", f"{keyword.arg}= is left out"


def mutants_of(path: Path) -> list[Mutant]:
    """Every way to break one file that still compiles."""
    source = Source(path)
    name = str(path.relative_to(ROOT))
    found = []
    for node, start, end, text, what in changes(source, ast.parse(source.text)):
        broken = source.text[:start] + text + source.text[end:]
        try:
            compile(broken, name, "exec")
        except SyntaxError:
            continue
        if ast.dump(ast.parse(broken)) != ast.dump(ast.parse(source.text)):
            found.append(Mutant(name, node.lineno, start, end, text, what))
    return found


def modules() -> list[Path]:
    """The files that may be broken: the pure modules and the core."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    names = contracts["importlinter:contract:pure"]["source_modules"].split()
    found: set[Path] = set()
    for name in (*names, *CORE):
        path = ROOT / name.replace(".", "/")
        found |= set(path.rglob("*.py")) if path.is_dir() else {path.with_suffix(".py")}
    return sorted(path for path in found if path.exists() and path.name != "__init__.py")


def tests_for(path: str) -> list[str]:
    """The tests that should notice: those that import the module, then the rest of the folder that mirrors its room."""
    module = path.removesuffix(".py").replace("/", ".")
    package, _, name = module.rpartition(".")
    room = ROOT / "tests" / os.path.dirname(path)
    importing, mirroring = [], []
    for test in sorted((ROOT / "tests").rglob("test_*.py")):
        if {"acceptance", "browser"} & set(test.parts):
            continue
        text = test.read_text()
        shown = str(test.relative_to(ROOT))
        if f"{module} import" in text or (f"from {package} import" in text and name in text):
            importing.append(shown)
        elif room in test.parents:
            mirroring.append(shown)
    importing.sort(key=lambda shown: not shown.startswith(f"tests/{os.path.dirname(path)}"))
    return importing + mirroring


def make_copy() -> Path:
    """A copy of the tree to break, with what is large linked instead of copied."""
    folder = Path(tempfile.mkdtemp(prefix="headnode-mutants-"))
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in COPIED_FILES:
        shutil.copy(ROOT / name, folder / name)
    for name in LINKED:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    return folder


def is_noticed(mutant: Mutant, copy: Path) -> str:
    """Break the copy, run the tests, mend it. How it was noticed: `failed`, `timed out`, `no tests`, or empty."""
    file = copy / mutant.path
    whole = file.read_text()
    tests = tests_for(mutant.path)
    if not tests:
        return ""
    file.write_text(whole[: mutant.start] + mutant.text + whole[mutant.end :])
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "--timeout",
        "60",
    ]
    try:
        done = subprocess.run(
            [*command, *tests], cwd=copy, capture_output=True, timeout=TEST_SECONDS, env=_environment()
        )
    except subprocess.TimeoutExpired:
        return "timed out"
    finally:
        file.write_text(whole)
    return "failed" if done.returncode == 1 else "broke the run" if done.returncode else ""


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def main() -> int:
    """Run the sample. 0 when at least `--least` percent of it was noticed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--least", type=float, default=95.0, help="percent that must be noticed")
    parser.add_argument("--only", default="", help="paths that begin so")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    every = [
        mutant for path in modules() for mutant in mutants_of(path) if mutant.path.startswith(asked.only)
    ]
    sample = random.Random(asked.seed).sample(every, min(asked.count, len(every)))
    copies: Queue[Path] = Queue()
    for _ in range(asked.jobs):
        copies.put(make_copy())

    def run(mutant: Mutant) -> tuple[Mutant, str]:
        copy = copies.get()
        try:
            return mutant, is_noticed(mutant, copy)
        finally:
            copies.put(copy)

    survivors = []
    try:
        with ThreadPoolExecutor(asked.jobs) as pool:
            for number, (mutant, how) in enumerate(pool.map(run, sample), start=1):
                print(
                    f"{number:4} {mutant.path}:{mutant.line} {mutant.what}: {how or 'SURVIVED'}", flush=True
                )
                if not how:
                    survivors.append(mutant)
    finally:
        while not copies.empty():
            shutil.rmtree(copies.get())
    noticed = 100 * (1 - len(survivors) / len(sample)) if sample else 0.0
    print(f"\n{len(sample)} of {len(every)} mutants, seed {asked.seed}: {noticed:.0f} % noticed.")
    for mutant in survivors:
        print(f"  {mutant.path}:{mutant.line}: {mutant.what}")
    return 0 if noticed >= asked.least else 1


if __name__ == "__main__":
    sys.exit(main())
