"""Which room may import what: paramiko stays in one room, which imports no other room of this app."""

import ast
from pathlib import Path

ROOM = Path("sshgateway/ssh")


def imported(path: Path) -> set[str]:
    """The modules that a file imports, lazy imports included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_only_this_room_imports_paramiko() -> None:
    users = {
        path
        for app in ("accounts", "jobs", "portal", "sshgateway")
        for path in Path(app).rglob("*.py")
        if any(name.partition(".")[0] == "paramiko" for name in imported(path))
    }
    assert users
    assert {path for path in users if not path.is_relative_to(ROOM)} == set()


def test_it_imports_no_other_room_of_this_app() -> None:
    names = {name for path in ROOM.rglob("*.py") for name in imported(path)}
    ours = {name for name in names if name.startswith(("sshgateway", "jobs", "portal", "accounts"))}
    assert ours
    reading_addresses = {"accounts", "accounts.cidr"}
    assert {name for name in ours if not name.startswith("sshgateway.ssh")} <= reading_addresses
