"""config-ssh leaves alone what it must not touch; doctor and completion say what they find."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.installed import Installed
from tests.stack import Stack, free_port
from tests.waiting import LIMIT

pytestmark = pytest.mark.acceptance


def _link(config: Path) -> None:
    (config.parent / "elsewhere").write_text("Host a\n")
    config.symlink_to(config.parent / "elsewhere")


def _read_only(config: Path) -> None:
    config.write_text("Host a\n")
    config.chmod(0o444)


def _windows(config: Path) -> None:
    config.write_bytes(b"Host a\r\n  User x\r\n")


def _broken(config: Path) -> None:
    config.write_text("Host a\n  NoSuchOption yes\n")


def _not_utf8(config: Path) -> None:
    config.write_bytes(b"# gr\xfcn\nHost a\n")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_link, "symbolic link"),
        (_read_only, "read-only"),
        (_windows, "Windows line ends"),
        (_broken, "has a mistake"),
        (_not_utf8, "not UTF-8"),
    ],
)
def test_a_configuration_that_is_not_simply_a_file_is_left_alone(
    signed_in: Installed, make: Callable[[Path], None], says: str
) -> None:
    config = signed_in.home / ".ssh/config"
    config.parent.mkdir(mode=0o700)
    make(config)
    before = (config.read_bytes(), config.is_symlink(), config.stat().st_mode)
    for arguments in (["config-ssh"], ["config-ssh", "--dry-run"]):
        done = signed_in.run(*arguments)
        assert done.returncode == 1
        assert says in done.stderr
        assert "Include headnode/*.conf" in done.stderr
    assert (config.read_bytes(), config.is_symlink(), config.stat().st_mode) == before
    assert not (config.parent / "headnode").exists()
    # Whoever adds the line by hand is served from then on.
    config.chmod(0o644)
    end = b"\r\n" if b"\r\n" in before[0] else b"\n"
    config.write_bytes(b"Include headnode/*.conf" + end + before[0])
    added = config.read_bytes()
    signed_in.good("config-ssh")
    assert config.read_bytes() == added


def test_without_a_configuration_one_is_made_and_taken_away(signed_in: Installed) -> None:
    shown = json.loads(signed_in.good("config-ssh", "--json", "--dry-run"))
    assert shown["written"] is False
    assert not (signed_in.home / ".ssh").exists()
    signed_in.good("config-ssh")
    assert (signed_in.home / ".ssh/config").read_text().endswith("Include headnode/*.conf\n")
    checked = subprocess.run(
        ["ssh", "-G", "-F", str(signed_in.home / ".ssh/config"), "x"],
        capture_output=True,
        text=True,
        timeout=4 * LIMIT,
    )
    assert checked.returncode == 0, checked.stderr
    signed_in.good("config-ssh", "--remove")
    assert os.listdir(signed_in.home / ".ssh") == []


def test_doctor_says_what_is_wrong(
    stack: Stack, signed_in: Installed, person: Callable[..., Installed]
) -> None:
    found = {row["what"]: row for row in json.loads(signed_in.run("doctor", "--json").stdout)}
    assert {found[what]["state"] for what in ("portal", "sign-in", "clock", "version", "ssh")} == {"ok"}
    assert found["key"]["state"] == "warning"
    nobody = person("nobody").run("doctor")
    assert nobody.returncode == 1
    assert "headnode login" in nobody.stdout
    away = person("away").run("doctor", HEADNODE_URL=f"http://127.0.0.1:{free_port()}")
    assert away.returncode == 1
    assert re.search("wrong +portal: .*nothing listens there", away.stdout)
    proxied = signed_in.run("doctor", HTTPS_PROXY="http://me:hidden@proxy.invalid:3128")
    assert "hidden" not in proxied.stdout + proxied.stderr


def test_the_shell_completes_commands_and_jobs(signed_in: Installed) -> None:
    job = signed_in.good("submit", "--command", "true", "--name", "for completion").strip()
    script = signed_in.home / "completion.bash"
    script.write_text(signed_in.good("completion", "bash"))

    def completed(line: str) -> list[str]:
        words = line.split(" ")
        typed = " ".join(word or "''" for word in words)
        code = (
            f"source {script}; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; "
            "f=$(complete -p headnode "
            "| sed 's/.*-F \\([^ ]*\\).*/\\1/'); $f headnode; printf '%s\\n' \"${COMPREPLY[@]}\""
        )
        done = subprocess.run(
            ["bash", "-c", code], env=signed_in.env, capture_output=True, text=True, timeout=4 * LIMIT
        )
        return [word.strip() for word in done.stdout.splitlines()]

    assert completed("headnode te") == ["terminate"]
    assert any(word.startswith(job) for word in completed(f"headnode show {job[:3]}"))
    assert "--follow" in completed("headnode logs --fo")
    for shell in ("zsh", "fish", "powershell"):
        assert "headnode" in signed_in.good("completion", shell)
    assert signed_in.run("completion", "tcsh").returncode == 2
    signed_in.good("terminate", job)
