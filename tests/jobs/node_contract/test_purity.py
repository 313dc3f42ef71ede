"""The contract stays free of Django, the network and everything else of Headnode."""

import ast
import sys
from pathlib import Path

import jobs.node_contract

FORBIDDEN = {"asyncio", "http", "multiprocessing", "os", "shutil", "socket", "ssl", "subprocess", "threading"}


def imported(path: Path) -> set[str]:
    """Return every module that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_only_the_standard_library_is_imported_and_nothing_that_does_io() -> None:
    files = list(Path(jobs.node_contract.__path__[0]).glob("*.py"))
    assert len(files) > 5
    for path in files:
        for module in imported(path):
            top = module.split(".")[0]
            assert module.startswith("jobs.node_contract.") or top in sys.stdlib_module_names, (path, module)
            assert top not in FORBIDDEN, (path, module)
