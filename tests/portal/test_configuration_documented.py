"""No variable that the code reads is undeclared, and docs/operating.md has the tables of the declarations."""

import re
import subprocess
from pathlib import Path

import pytest

from portal.configuration.documentation import BEGIN, END, FILE, with_tables
from portal.configuration.reader import KNOWN_NAMES
from tests.stack import ROOT

# A read of the environment in Python, a variable of a shell, a variable of compose.
READS = (
    re.compile(
        r"""(?:environ(?:\.get|\.setdefault|\.pop)?|getenv|values)[\[(]\s*["'](HEADNODE_[A-Z_]+|\w+_URL)["']"""
    ),
    re.compile(r"\$\{?(HEADNODE_[A-Z_]+)"),
)
SET = re.compile(r"^\s+(HEADNODE_[A-Z_]+|DATABASE_URL|REDIS_URL): ", re.MULTILINE)


def tracked(*patterns: str) -> list[Path]:
    command = ["git", "ls-files", "-co", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def test_the_tables_are_up_to_date() -> None:
    document = FILE.read_text()
    assert document.count(BEGIN) == document.count(END) == 1
    assert document == with_tables(document), "Run: .venv/bin/python -m portal.configuration"


def test_every_known_name_is_in_a_table() -> None:
    document = FILE.read_text()
    assert [name for name in sorted(KNOWN_NAMES) if f"| `{name}` |" not in document] == []


def test_every_variable_that_something_reads_is_declared() -> None:
    found: dict[str, str] = {}
    for path in tracked("*.py", "Makefile", "Dockerfile", "docker-compose.yml", "scripts/*", ".ci/*"):
        if path == Path(__file__):
            continue
        for pattern in READS:
            found |= dict.fromkeys(pattern.findall(path.read_text(errors="replace")), str(path))
    assert len(found) > 60, "the patterns find what the code reads"
    assert {name: path for name, path in found.items() if name not in KNOWN_NAMES} == {}


def test_compose_sets_known_names_only() -> None:
    names = set(SET.findall((ROOT / "docker-compose.yml").read_text()))
    assert len(names) > 10
    assert names <= KNOWN_NAMES


@pytest.mark.parametrize("name", sorted(KNOWN_NAMES))
def test_documents_name_no_variable_that_is_none(name: str) -> None:
    mentioned = set(re.findall(r"\bHEADNODE_[A-Z_]+[A-Z]\b", FILE.read_text()))
    assert name in mentioned or not name.startswith("HEADNODE_")
    assert mentioned <= KNOWN_NAMES
