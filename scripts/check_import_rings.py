"""Fail when modules import one another in a ring, counting imports inside functions and under TYPE_CHECKING.

import-linter leaves those out of some contracts by setting; this check never does. A ring means that two ideas
cannot be read, tested or moved apart. Prints each ring as `a -> b -> a`.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("accounts", "jobs", "portal", "sshgateway", "tests", "benchmarks")


def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name; a package goes by its own name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of ours that a file names in any import statement."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            module = _absolute(path, node)
            for alias in node.names:
                full = f"{module}.{alias.name}"
                if full in known or module in known:
                    yield full if full in known else module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)


def _absolute(path: Path, node: ast.ImportFrom) -> str:
    """The dotted name that a `from ... import` names; the command line's imports are relative."""
    if not node.level:
        return node.module or ""
    package = path.relative_to(ROOT).parts[: -node.level]
    return ".".join([*package, *filter(None, [node.module])])


def rings(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that can each reach one another (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1 or name in graph[name]:
                found.append(group)

    for name in graph:
        if name not in index:
            visit(name)
    return found


def main() -> int:
    """Print the rings there are. 0 when there is none, else 1."""
    known = modules()
    graph = {name: set(imports_of(path, known)) for name, path in known.items()}
    found = rings(graph)
    for group in found:
        edges = [f"{a} -> {b}" for a in sorted(group) for b in sorted(graph[a]) if b in group]
        print("A ring of imports:", *edges, sep="\n  ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    raise SystemExit(main())
