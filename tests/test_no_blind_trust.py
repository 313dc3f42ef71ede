"""Nowhere in the tree is a host key accepted without being known: not in code, tests, documents or examples."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Written in pieces, so that this file does not find itself.
BLIND = re.compile(
    "|".join(
        [
            "Auto" + "AddPolicy",
            "Warning" + "Policy",
            r"StrictHostKeyChecking[ =\"',:]+(no|off|accept-new)\b",
            r"known_hosts\s*=\s*" + "None",
            "UserKnownHostsFile[ =]/dev/" + "null",
            "Insecure" + "IgnoreHostKey",
        ]
    ),
    re.IGNORECASE,
)


def test_nobody_trusts_blindly() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name]
    assert len(names) > 200, "this is the tree"
    found = []
    for name in names:
        path = ROOT / name
        if not path.is_file():
            continue
        text = path.read_bytes().decode(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if BLIND.search(line):
                found.append(f"{name}:{number}: {line.strip()[:120]}")
    assert not found, "\n".join(found)


def test_the_search_finds_what_it_looks_for() -> None:
    for line in (
        "client.set_missing_host_key_policy(paramiko.Auto" + "AddPolicy())",
        "ssh -o StrictHostKeyChecking=" + "no host",
        '"StrictHostKeyChecking", "' + 'no"',
        "  StrictHostKeyChecking " + "no",
        "asyncssh.connect(host, known_hosts=" + "None)",
    ):
        assert BLIND.search(line), line
    assert not BLIND.search("ssh -o StrictHostKeyChecking=yes host")
