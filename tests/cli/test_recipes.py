"""Each recipe of docs/cli.md does what it says."""

import re
import subprocess

import pytest

from tests.cli.installed import Installed
from tests.stack import ROOT

pytestmark = pytest.mark.acceptance
PAGE = (ROOT / "docs/cli.md").read_text()
RECIPES = re.findall(r"^([^\n]+):\n\n```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_there_are_recipes() -> None:
    assert len(RECIPES) == PAGE.count("```sh\n") >= 7


@pytest.mark.parametrize(("title", "recipe"), RECIPES, ids=[title[:30] for title, _ in RECIPES])
def test_recipe(engineer: Installed, title: str, recipe: str) -> None:
    (engineer.home / "mesh.dat").write_text("3\n1\n2\n")
    if "@last" in recipe and not re.search("headnode (submit|run)", recipe):
        engineer.good("run", "--command", "echo Error: none")
    if "keys add" in recipe:
        engineer.good("keys", "remove", "engineer-laptop")
    command = ["bash", "-euo", "pipefail", "-c", recipe]
    done = subprocess.run(
        command, env=engineer.env, cwd=engineer.home, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{title}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    if "results/sorted.dat" in recipe:
        assert done.stdout.endswith("1\n2\n3\n")
    if "doctor" in recipe:
        engineer.run("keys", "remove", "laptop")
    if "config-ssh" in recipe:
        assert "Host headnode-cluster-" in done.stdout
