"""A person with their own tools: a browser, an ssh configuration of their own, a token."""

import json
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.stack import Stack
from tests.waiting import LIMIT, wait_for


@dataclass
class Person:
    """Somebody who signed in and may use the REST API."""

    stack: Stack
    token: str

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One REST call: the status and the decoded answer (text when it is no JSON)."""
        request = urllib.request.Request(
            self.stack.base_url.rstrip("/") + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Token {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=LIMIT) as response:
                status, raw = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, raw = error.code, error.read()
        try:
            return status, json.loads(raw)
        except ValueError:
            return status, raw.decode()

    def get(self, path: str) -> Any:
        status, answer = self.call("GET", path)
        assert status == 200, (status, answer)
        return answer

    def submit(self, command: str, slots: int = 1, name: str = "story", walltime: float = 1) -> str:
        """Save and submit a job; answer its id."""
        return self.submit_with(command, slots, name, walltime)

    def submit_with(
        self, command: str, slots: int = 1, name: str = "story", walltime: float = 1, **words: Any
    ) -> str:
        """The same, with more fields of its analysis."""
        hardware = {"coreType": "emerald", "coresPerSlot": 1, "slots": slots, "walltime": walltime}
        analysis = {"code": "user_included", "version": "0"}
        body = {
            "name": name,
            "jobanalyses": [{"analysis": analysis, "command": command, "hardware": hardware, **words}],
        }
        status, job = self.call("POST", "/api/v2/jobs/", body)
        assert status == 201, job
        status, _ = self.call("POST", f"/api/v2/jobs/{job['id']}/submit/")
        assert status == 200
        return str(job["id"])

    def events(self, job: str, after: int = 0) -> list[dict[str, Any]]:
        """The Job Log behind an event, by default the whole, checked to have no hole."""
        found: list[dict[str, Any]] = []
        while page := self.get(f"/api/v2/jobs/{job}/events/?after={after + len(found)}&limit=500")["results"]:
            found += page
            if len(page) < 500:
                break
        assert [event["sequence"] for event in found] == list(range(after + 1, after + len(found) + 1))
        return found

    def messages(self, job: str) -> str:
        return "\n".join(event["message"] for event in self.events(job))

    def wait_for_message(self, job: str, text: str, limit: float = 2 * LIMIT) -> str:
        """Wait until the Job Log has a message with this text; only what is new is asked for."""
        messages: list[str] = []

        def said() -> str | None:
            messages.extend(event["message"] for event in self.events(job, after=len(messages)))
            return next((message for message in messages if text in message), None)

        return wait_for(said, f"job {job} says {text!r}", limit, every=0.2) or ""

    def wait_for_cluster(self, job: str, status: str, limit: float = 2 * LIMIT) -> None:
        def reached() -> bool:
            code, page = self.call("GET", f"/api/v2/jobs/{job}/cluster_statuses/")
            return bool(code == 200 and page["results"][0]["status"] == status)

        wait_for(reached, f"the cluster of {job} is {status}", limit, every=0.2)

    def ssh_config(self, job: str, key: Path, folder: Path) -> "SSH":
        """Strict ssh to the job's nodes: only this key, only the portal's known_hosts lines, no question."""
        known = folder / f"known_hosts-{job}"
        known.write_text(self.get(f"/api/v2/jobs/{job}/known-hosts/"))
        config = folder / f"ssh-config-{job}"
        config.write_text(
            f"Host *\n  IdentityFile {key}\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n"
            "  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  BatchMode yes\n"
            "  ConnectTimeout 60\n  LogLevel ERROR\n"
        )
        head = next(i for i in self.instances(job) if i["name"] == "head")
        return SSH(config, head["sshCommand"], head["username"], head["publicIp"], head["sshPort"])

    def instances(self, job: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/api/v2/jobs/{job}/instances/")["results"]
        return found


@dataclass
class SSH:
    """OpenSSH's own tools, pointed at a head node."""

    config: Path
    command: str
    username: str
    address: str
    port: int

    def shell(self, line: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run a shell line in which `ssh` knows the person's configuration."""
        setup = f'ssh() {{ command ssh -F "{self.config}" "$@"; }}; '
        return subprocess.run(
            ["/bin/bash", "-c", setup + line],
            capture_output=True,
            text=True,
            timeout=4 * LIMIT,
            stdin=subprocess.DEVNULL,
            **options,
        )

    def run(self, command: str, *flags: str) -> "subprocess.CompletedProcess[str]":
        """`ssh FLAGS user@address COMMAND`."""
        line = ["ssh", "-F", str(self.config), *flags, "-p", str(self.port), self.where, command]
        return subprocess.run(
            line, capture_output=True, text=True, timeout=4 * LIMIT, stdin=subprocess.DEVNULL
        )

    @property
    def where(self) -> str:
        return f"{self.username}@{self.address}"

    def __call__(self, command: str) -> str:
        """Run a command that must succeed; answer what it printed."""
        done = self.run(command)
        assert done.returncode == 0, (command, done)
        return done.stdout


def sign_in(page: Page, stack: Stack, name: str | None = None, password: str | None = None) -> None:
    """Through the sign-in page, as people do."""
    page.goto(stack.base_url)
    page.get_by_label("Username or e-mail").fill(name or stack.admin_name)
    page.get_by_label("Password", exact=True).fill(password or stack.admin_password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(stack.base_url)


def with_token(stack: Stack, name: str | None = None, password: str | None = None) -> Person:
    """A person's API token, as an old client gets it."""
    body = {"username": name or stack.admin_name, "password": password or stack.admin_password}
    status, answer = Person(stack, "none").call("POST", "/api-token-auth/", body)
    assert status == 200, answer
    return Person(stack, answer["token"])
