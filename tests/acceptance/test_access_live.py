"""Keys and rules on running clusters: what changes in Job Settings holds on every node within five seconds."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.people import SSH, Person, with_token
from tests.sshgateway.client import Client
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance

LIMIT_SECONDS = 5.0
KEYS = "/api/v2/users/me/ssh-keys/"
RULES = "/api/v2/users/me/access-rules/"


@pytest.fixture(scope="module")
def person(stack: Stack) -> Person:
    return with_token(stack)


@pytest.fixture(scope="module")
def rule(person: Person) -> Iterator[str]:
    """One rule, for 127.0.0.1 alone, whatever other tests left behind."""
    before = person.get(RULES + "?page_size=100")["results"]
    for row in before:
        person.call("DELETE", f"{RULES}{row['id']}/")
    status, made = person.call("POST", RULES, {"cidr": "127.0.0.1", "note": "this machine"})
    assert status == 201, made
    yield str(made["id"])
    for row in person.get(RULES + "?page_size=100")["results"]:
        person.call("DELETE", f"{RULES}{row['id']}/")
    for row in before:
        person.call("POST", RULES, {"cidr": row["cidr"], "note": row["note"]})


@pytest.fixture(scope="module")
def job(person: Person, rule: str) -> Iterator[str]:
    """A job on two nodes that runs until these tests are done."""
    made = person.submit("sleep 600", slots=2, name="live access")
    person.wait_for_message(made, "Launched the command")
    yield made
    person.call("POST", f"/api/v2/jobs/{made}/stop/")
    person.wait_for_cluster(made, "Stopped")


class Saved:
    """A key pair of the person's whose public half is in Job Settings."""

    def __init__(self, person: Person, path: Path, name: str) -> None:
        self.path, self.person = path, person
        text = Path(f"{path}.pub").read_text()
        status, self.row = person.call("POST", KEYS, {"name": name, "publicKey": text})
        assert status == 201, self.row
        self.url = f"{KEYS}{self.row['id']}/"

    def change(self, **fields: Any) -> Any:
        status, answer = self.person.call("PATCH", self.url, fields)
        assert status == 200, answer
        return answer

    def remove(self) -> None:
        self.person.call("DELETE", self.url)


@pytest.fixture
def key(person: Person, make_key: Callable[..., Path], job: str) -> Iterator[Saved]:
    saved = Saved(person, make_key("ed25519"), "Laptop")
    yield saved
    saved.remove()


@pytest.fixture
def ssh(person: Person, job: str, key: Saved, tmp_path: Path) -> SSH:
    """The person's own ssh, once the key has reached the node."""
    tools = person.ssh_config(job, key.path, tmp_path)
    wait_for(lambda: tools.run("true").returncode == 0, "the new key is let in", LIMIT_SECONDS)
    return tools


@pytest.fixture
def session(ssh: SSH) -> Iterator["subprocess.Popen[str]"]:
    """An ssh session that has begun and stays."""
    line = [
        "ssh",
        "-F",
        str(ssh.config),
        "-o",
        "LogLevel=INFO",
        "-p",
        str(ssh.port),
        ssh.where,
        "echo up; cat",
    ]
    process = subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    yield process
    process.kill()
    process.communicate()


def last_words(session: "subprocess.Popen[str]", limit: float) -> str:
    """What ssh said when it was ended from the other side; our side keeps its input open."""
    session.wait(limit)
    assert session.returncode == 255
    assert session.stderr is not None
    return session.stderr.read()


def ended(session: "subprocess.Popen[str]", since: float) -> str:
    """The same, within the limit since then."""
    return last_words(session, max(0.1, since + LIMIT_SECONDS - time.monotonic()))


def test_a_removed_key_ends_its_session_and_says_why(
    key: Saved, ssh: SSH, session: "subprocess.Popen[str]"
) -> None:
    began = time.monotonic()
    key.remove()
    assert f"Your key {key.row['fingerprint']} was removed" in ended(session, began)
    assert "Permission denied" in ssh.run("true").stderr


def test_a_disabled_key_ends_its_session_and_opens_again_when_enabled(
    key: Saved, ssh: SSH, session: "subprocess.Popen[str]"
) -> None:
    began = time.monotonic()
    assert key.change(disabled=True)["standing"] == "disabled"
    assert "was disabled" in ended(session, began)
    assert ssh.run("true").returncode == 255
    assert key.change(disabled=False)["standing"] == "active"
    wait_for(lambda: ssh.run("true").returncode == 0, "the key is let in again", LIMIT_SECONDS)


def test_an_expiring_key_ends_its_session_when_its_time_has_come(
    key: Saved, session: "subprocess.Popen[str]"
) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=3)
    key.change(expiresAt=moment.isoformat())
    errors = last_words(session, 15)
    late = (datetime.now(UTC) - moment).total_seconds()
    assert 0 < late < LIMIT_SECONDS
    assert "has expired" in errors


def test_a_login_is_told_in_the_log_and_kept_with_the_key(
    person: Person, job: str, key: Saved, ssh: SSH
) -> None:
    said = f"Login with key 'Laptop' ({key.row['fingerprint']}) from 127.0.0.1 on head."
    person.wait_for_message(job, said, 10)
    event = next(event for event in person.events(job) if event["message"] == said)
    assert (event["source"], event["node"]) == ("ssh", "head")
    row = person.get(key.url)
    assert (row["lastUsedFrom"], row["lastUsedJob"]) == ("127.0.0.1", job)
    used = datetime.fromisoformat(row["lastUsedAt"])
    assert abs((datetime.now(UTC) - used).total_seconds()) < 30


def test_the_job_says_what_changed_since_it_began(person: Person, job: str, key: Saved) -> None:
    changed = person.get(f"/api/v2/jobs/{job}/")["settingsChanged"]
    assert f"The key 'Laptop' ({key.row['fingerprint']}) was added." in changed


def test_a_rule_change_ends_terminal_and_session_and_both_say_why(
    stack: Stack, person: Person, job: str, rule: str, session: "subprocess.Popen[str]"
) -> None:
    status, other = person.call("POST", RULES, {"cidr": "192.0.2.0/24", "note": "elsewhere"})
    assert status == 201, other
    status, terminal = person.call("POST", "/api/v2/terminal-sessions/", {"job": job, "node": "head"})
    assert status == 201, terminal
    url = terminal["websocketUrl"]

    async def shut_out() -> tuple[float, str]:
        async with Client(url, person.token) as client:
            await client.until_ready()
            await client.run("echo $((6*7))", "42")
            began = time.monotonic()
            await asyncio.to_thread(person.call, "DELETE", f"{RULES}{rule}/")
            await client.until(lambda c: c.end or c.close_code, "the terminal ends", LIMIT_SECONDS)
            assert client.end is not None
            return began, client.end.message

    try:
        # In a thread of its own: Playwright keeps a loop in this one when browser tests ran before.
        with ThreadPoolExecutor(1) as pool:
            began, why = pool.submit(lambda: asyncio.run(shut_out())).result()
        assert "Your address 127.0.0.1 is in no access rule" in ended(session, began)
        assert "127.0.0.1 is in no access rule" in why
    finally:
        person.call("POST", RULES, {"cidr": "127.0.0.1", "note": "this machine"})
        person.call("DELETE", f"{RULES}{other['id']}/")
