"""The locale of a client is taken only where the node has it: letters are never lost for a name."""

import os
import subprocess
from pathlib import Path

import pytest

from jobs.simulator.ssh_server.locales import accepted_environment, has_locale
from tests.jobs.simulator.simulator_process import Cluster

CLIENT = ("-o", "SendEnv=LANG LC_* LANGUAGE COLORTERM TZ", "-o", "SetEnv=LC_APP=own")
LETTERS = (
    "locale charmap; printf 'größe 日本' | wc -m; python3 -c 'print(ascii(input()))'; locale 2>&1 >/dev/null"
)


def logged_in(
    cluster: Cluster, keys: dict[str, Path], command: str, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a command on the head node with a client that has exactly this locale."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    return subprocess.run(
        cluster.command(keys["alice"], command, extra=CLIENT),
        input="größe\n".encode(),
        capture_output=True,
        timeout=120,
        env={**own, **environment},
    )


@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "tlh_KX.UTF-8"},
        {"LANG": "tlh_KX.UTF-8", "LC_ALL": "tlh_KX.UTF-8"},
        {"LC_CTYPE": "UTF-8"},  # what a Mac sends
        {"LANG": "C.UTF-8", "LC_CTYPE": "tlh_KX.UTF-8"},
        {"LC_ALL": ""},
        {"LANG": ""},
        {"LANG": "../../../etc"},
        {"LC_ALL": "LC_CTYPE=tlh_KX.UTF-8;LC_NUMERIC=C"},
        {"LANG": "C.utf8"},
        {},
    ],
    ids=str,
)
def test_letters_stay_letters_whatever_a_client_sends(
    cluster: Cluster, keys: dict[str, Path], environment: dict[str, str]
) -> None:
    done = logged_in(cluster, keys, LETTERS, **environment)
    charmap, letters, answer, *complaints = done.stdout.decode().splitlines()
    assert (charmap, letters.strip(), answer) == ("UTF-8", "8", r"'gr\xf6\xdfe'")
    assert complaints == [], "no program says that a locale is missing"
    assert done.stderr == b""


def test_a_locale_that_the_node_has_is_taken(cluster: Cluster, keys: dict[str, Path]) -> None:
    done = logged_in(cluster, keys, "locale charmap; echo $LC_ALL", LC_ALL="C")
    assert done.stdout.decode().split() == ["ANSI_X3.4-1968", "C"]
    done = logged_in(cluster, keys, "echo $LC_TIME $LANG", LC_TIME="POSIX", LANG="tlh_KX.UTF-8")
    assert done.stdout.decode().split() == ["POSIX", "C.UTF-8"]


def test_values_that_are_no_locales_are_passed_on(cluster: Cluster, keys: dict[str, Path]) -> None:
    done = logged_in(cluster, keys, "echo $LC_APP $COLORTERM $TZ", COLORTERM="truecolor", TZ="UTC")
    assert done.stdout.decode().split() == ["own", "truecolor", "UTC"]


def test_every_installed_locale_is_known_in_its_spellings() -> None:
    installed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=True).stdout.split()
    assert all(has_locale(name) for name in installed)
    assert [name for name in ("C.UTF-8", "C.utf8", "POSIX") if not has_locale(name)] == []
    for missing in ("", "tlh_KX", "UTF-8", "C.UTF-8/../x", "/etc", "C;C", "a" * 70, "é", "C\n"):
        assert not has_locale(missing), missing


def test_only_known_names_are_taken() -> None:
    sent = {
        "LANG": "C",
        "LANGUAGE": "de",
        "PATH": "/tmp",
        "LD_PRELOAD": "x",
        "LANGX": "C",
        "LC_X": "a\0b",
        "TERM": "x",
    }
    assert accepted_environment(sent) == {"LANG": "C"}
