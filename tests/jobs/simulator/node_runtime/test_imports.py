"""What runs inside a node imports only the standard library and the modules that are compiled for it."""

import ast
import sys
from pathlib import Path

import pytest

from jobs.simulator import node_runtime
from jobs.simulator.sandbox.agent_install import AGENT_MODULES

FOLDER = Path(node_runtime.__path__[0])
PREFIX = "jobs.simulator.node_runtime"


def imported(path: Path) -> set[str]:
    """Return every module that a file imports; of the room's own modules their file names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == PREFIX:
            found |= {f"{alias.name}.py" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(
                node.module.removeprefix(PREFIX + ".") + ".py" if PREFIX in node.module else node.module
            )
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_a_module_imports_its_neighbours_and_the_standard_library(path: Path) -> None:
    for module in imported(path):
        own = module.endswith(".py")
        assert (FOLDER / module).exists() if own else module.split(".")[0] in sys.stdlib_module_names, module


def test_every_module_that_the_agent_imports_is_compiled_for_it() -> None:
    needed, todo = set(), ["agent.py"]
    while todo:
        name = todo.pop()
        needed.add(name)
        todo += [each for each in imported(FOLDER / name) if each.endswith(".py") and each not in needed]
    assert needed == set(AGENT_MODULES)


@pytest.mark.parametrize("name", AGENT_MODULES)
def test_what_runs_inside_a_node_is_python_3_9(name: str) -> None:
    ast.parse((FOLDER / name).read_text(), feature_version=(3, 9))
