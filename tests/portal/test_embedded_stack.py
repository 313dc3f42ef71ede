"""`make run` with real processes: ready means usable, dead processes are restarted, data stays, nothing is left."""

import http.cookiejar
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.stack import (
    AS_ORDINARY_USER,
    ROOT,
    START_LIMIT,
    Stack,
    alive,
    clean_environment,
    processes_of,
    running,
    start,
)
from tests.waiting import LIMIT, wait_for, wait_for_end

pytestmark = pytest.mark.acceptance


def get(url: str, limit: float = LIMIT) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=limit) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def sign_in(base_url: str, name: str, password: str) -> bool:
    """Sign in as a browser does; return whether the next page shows the user."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with opener.open(f"{base_url}accounts/login/") as response:
        page = response.read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    form = {"login": name, "password": password, "csrfmiddlewaretoken": token.group(1)}
    request = urllib.request.Request(f"{base_url}accounts/login/", urllib.parse.urlencode(form).encode())
    request.add_header("Referer", f"{base_url}accounts/login/")
    opener.open(request).close()
    return any(cookie.name.startswith("headnode_session") for cookie in jar)


def test_ready_means_that_a_person_can_sign_in(stack: Stack) -> None:
    # Tests before may have killed a process, or made the cloud's list unreadable for a while.
    ready = '{"ready": true, "database": true, "redis": true, "worker": true, "provider_lists": true}'
    wait_for(lambda: get(f"{stack.base_url}readyz") == (200, ready), "all is well", 2 * LIMIT, every=0.2)
    assert sign_in(stack.base_url, stack.admin_name, stack.admin_password)
    assert not sign_in(stack.base_url, stack.admin_name, "another password")


def test_every_process_has_its_name_in_the_log(stack: Stack) -> None:
    everything = {"supervisor", "redis", "web", "gateway", "worker", "beat", "simulator"}
    wait_for(lambda: set(stack.pids) == everything, "every process runs")
    assert all(alive(pid) for pid in stack.pids.values())
    # Web logs nothing while all is well, so have it refuse a node without a token.
    stranger = urllib.request.Request(f"{stack.base_url}context/v1/register/", data=b"{}")
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        urllib.request.urlopen(stranger, timeout=LIMIT)
    refused.value.close()
    wanted = {"redis", "web", "gateway", "worker", "beat", "simulator"}

    def missing() -> set[str]:
        return wanted - {line.split()[1] for line in stack.log.read_text().splitlines()}

    wait_for(lambda: not missing(), "every process is named in the log")


def test_what_it_keeps_is_private(stack: Stack) -> None:
    assert stat.S_IMODE(stack.var.stat().st_mode) == 0o700
    for name in ("secret-key", "simulator-token", "db.sqlite3", "logs/headnode.log"):
        assert stat.S_IMODE((stack.var / name).stat().st_mode) == 0o600, name


def test_no_secret_is_in_the_log_or_on_a_command_line(stack: Stack) -> None:
    secrets = [(stack.var / name).read_text().strip() for name in ("secret-key", "simulator-token")]
    text = stack.log.read_text() + "".join(stack.output)
    text += "".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in stack.pids.values())
    assert not any(secret in text for secret in [*secrets, stack.admin_password])


def test_the_simulator_is_told_nothing_of_the_portal(stack: Stack) -> None:
    told = Path(f"/proc/{stack.pids['simulator']}/environ").read_bytes().split(b"\0")
    names = {line.split(b"=")[0] for line in told}
    assert not names & {b"HEADNODE_SECRET_KEY", b"HEADNODE_ADMIN_PASSWORD", b"DATABASE_URL", b"REDIS_URL"}
    web = Path(f"/proc/{stack.pids['web']}/environ").read_bytes()
    assert b"HEADNODE_ADMIN_PASSWORD" not in web


def test_requests_wait_while_the_web_process_comes_back(stack: Stack) -> None:
    before = wait_for(lambda: stack.pids.get("web"), "web runs")
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: not alive(before), "web is gone")
    assert get(f"{stack.base_url}healthz") == (200, "ok\n")
    assert stack.pids["web"] != before
    assert "web was ended by SIGKILL; starting it again" in stack.log.read_text()


@pytest.mark.parametrize("name", ["redis", "worker", "beat"])
def test_a_killed_process_comes_back_and_the_portal_is_ready_again(stack: Stack, name: str) -> None:
    stack.kill(name)
    wait_for(lambda: get(f"{stack.base_url}readyz")[0] == 200, "the portal is ready", every=0.2)


def test_a_second_instance_runs_beside_it_also_where_paths_are_long(stack: Stack, tmp_path: Path) -> None:
    var = tmp_path / ("long" * 30)  # too long for unix sockets
    with running(var) as other:
        assert other.base_url != stack.base_url
        assert not list(var.glob("*.sock"))
        assert sign_in(other.base_url, "admin", other.admin_password)
        assert get(f"{stack.base_url}readyz")[0] == 200


def test_a_restart_keeps_data_and_prints_no_second_password(tmp_path: Path) -> None:
    var = tmp_path / "var"
    with running(var, HEADNODE_ADMIN_PASSWORD="") as first:
        password = re.search(r"First administrator: admin, password (\S+) ", "".join(first.output))
        assert password
        assert password.group(1) not in first.log.read_text()
    began = time.monotonic()
    with running(var, HEADNODE_ADMIN_PASSWORD="changes nothing later") as second:
        assert time.monotonic() - began < 60
        assert "First administrator" not in "".join(second.output)
        assert sign_in(second.base_url, "admin", password.group(1))


def test_nothing_is_left_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    var = tmp_path / "var"
    process = start(var)
    try:
        pids = wait_for(lambda: _all_up(var), "every process is up", START_LIMIT)
        process.kill()
        process.wait(LIMIT)
        wait_for(lambda: not any(alive(pid) for pid in pids), "its processes are gone")
        wait_for(lambda: not processes_of(var), "nothing of it is left")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_while_it_starts_ends_it_quickly(tmp_path: Path, number: signal.Signals) -> None:
    var = tmp_path / "var"
    process = start(var)
    try:
        wait_for(lambda: (var / "pids.json").exists(), "the first process is up")
        process.send_signal(number)
        output = wait_for_end(process, "it ends")
    finally:
        process.kill()
    assert process.returncode == 0
    assert "Traceback" not in output
    wait_for(lambda: not processes_of(var), "nothing of it is left")


def add_person(var: Path, name: str) -> "subprocess.CompletedProcess[str]":
    """Add an account from another terminal, as an operator does, without the environment of the running portal."""
    return subprocess.run(
        [sys.executable, "manage.py", "add_person", name],
        cwd=ROOT,
        env=clean_environment() | {"HEADNODE_VAR": str(var)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_without_a_sandbox_there_is_one_user_also_after_a_restart(tmp_path: Path) -> None:
    var = tmp_path / "var"
    with running(var, AS_ORDINARY_USER, HEADNODE_SIMULATOR_SANDBOX="none") as stack:
        assert "Warning: no sandbox is available" in stack.log.read_text()
        web = Path(f"/proc/{stack.pids['web']}/environ").read_bytes().split(b"\0")
        assert b"HEADNODE_SINGLE_PERSON=1" in web
        assert "No second user" in add_person(var, "bob").stderr
    # Nothing runs, and the file that remembers the last sandbox is lost: the database still says it.
    (var / "sandbox").unlink()
    assert "No second user" in add_person(var, "bob").stderr
    with running(var) as stack:
        assert add_person(var, "bob").returncode == 0, "it has a sandbox now"
    process = start(var, AS_ORDINARY_USER, HEADNODE_SIMULATOR_SANDBOX="none")
    output = wait_for_end(process, "it ends", 4 * LIMIT)
    assert process.returncode == 1
    assert "several have accounts" in output
    with running(var):
        pass  # with bubblewrap again, what the failed start wrote down no longer holds


def test_root_cannot_do_without_a_sandbox(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root is refused")
    process = start(tmp_path / "var", HEADNODE_SIMULATOR_SANDBOX="none")
    output = wait_for_end(process, "it ends", 4 * LIMIT)
    assert process.returncode == 1
    assert "HEADNODE_SIMULATOR_SANDBOX=none cannot be used as root" in output
    assert "Traceback" not in output


def test_a_process_that_never_gets_well_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    var = tmp_path / "var"
    var.mkdir()
    (var / "simulator").touch()  # where the simulator needs a folder
    process = start(var)
    output = wait_for_end(process, "it ends", 4 * LIMIT)
    assert process.returncode == 1
    assert "Headnode cannot start: its process simulator ended" in output.splitlines()[-1]


def _all_up(var: Path) -> list[int] | None:
    try:
        pids = json.loads((var / "pids.json").read_text())
    except (OSError, ValueError):
        return None
    return list(pids.values()) if {"redis", "web", "worker", "beat", "simulator"} <= set(pids) else None
