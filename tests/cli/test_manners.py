"""What holds for every command: help at once, one sentence for what goes wrong, stable statuses, no traceback."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cli.installed import Installed
from tests.stack import Stack, free_port

pytestmark = pytest.mark.acceptance


@contextmanager
def answering(*answers: "tuple[int, dict[str, str], str]") -> "Iterator[tuple[str, list[str]]]":
    """A server that gives these answers in turn, the last one for ever; and the requests that it got."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            seen.append(f"{self.command} {self.path}")
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, body = answers[min(len(seen), len(answers)) - 1]
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 (http.server's names)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_help_names_every_command_and_imports_nothing_large(person: Callable[..., Installed]) -> None:
    alice = person()
    assert "login" in alice.good("--help")
    assert alice.good() == alice.good("-h") == alice.good("help") == alice.good("--help")
    trace = alice.run("--help", PYTHONPROFILEIMPORTTIME="1").stderr
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in trace.splitlines()}
    assert "headnode_cli" in imported
    assert not {"typer", "httpx", "rich", "asyncio", "ssl"} & imported


def test_no_django_and_nothing_of_the_portals_is_installed(person: Callable[..., Installed]) -> None:
    alice = person()
    python = alice.program.parent / "python"
    code = "import importlib.util as u; print([n for n in ('django','portal','jobs','accounts') if u.find_spec(n)])"
    done = Installed(python, alice.home).run("-c", code)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("arguments", [["lst"], ["--nothing"], ["whoami", "--nothing"], ["login", "a", "b"]])
def test_wrong_usage_is_2(person: Callable[..., Installed], arguments: list[str]) -> None:
    done = person().run(*arguments)
    assert done.returncode == 2
    assert "Try: headnode" in done.stderr
    assert "Traceback" not in done.stderr


def test_not_signed_in_is_3(stack: Stack, person: Callable[..., Installed]) -> None:
    alice = person()
    wrong = {"HEADNODE_URL": stack.base_url, "HEADNODE_TOKEN": "hn_no"}
    tries: list[dict[str, Any]] = [{}, {"HEADNODE_URL": stack.base_url}, wrong]
    for environment in tries:
        done = alice.run("whoami", **environment)
        assert done.returncode == 3
        assert "headnode login" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_portal_that_is_away_is_6(person: Callable[..., Installed]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = person().run("whoami", HEADNODE_URL=url, HEADNODE_TOKEN="hn_x")
    assert done.returncode == 6
    assert done.stderr == f"headnode: {url} cannot be reached: nothing listens there.\n"


def test_reading_is_tried_again_but_writing_is_not(person: Callable[..., Installed]) -> None:
    alice = person()
    me = (200, {"Content-Type": "application/json"}, '{"username": "alice"}')
    with answering((502, {}, "bad"), (429, {"Retry-After": "0"}, ""), me) as (url, seen):
        assert alice.good("whoami", "-q", HEADNODE_URL=url, HEADNODE_TOKEN="hn_x") == "alice\n"
        assert seen == ["GET /api/v2/users/me/"] * 3
    with answering((502, {}, "bad")) as (url, seen):
        done = alice.run("login", url, "--no-browser")
        assert (done.returncode, len(seen)) == (1, 1)
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("body", ["<html>a proxy's page</html>", '["a list"', ""])
def test_an_answer_of_something_else_is_a_sentence(person: Callable[..., Installed], body: str) -> None:
    with answering((200, {"Content-Type": "text/html"}, body)) as (url, _):
        done = person().run("whoami", HEADNODE_URL=url, HEADNODE_TOKEN="hn_x")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_proxy_is_used(person: Callable[..., Installed]) -> None:
    me = (200, {"Content-Type": "application/json"}, '{"username": "alice"}')
    with answering(me) as (proxy, seen):
        environment = {"HEADNODE_URL": "http://portal.invalid", "HEADNODE_TOKEN": "hn_x", "HTTP_PROXY": proxy}
        assert person().good("whoami", "-q", **environment) == "alice\n"
    assert seen == ["GET http://portal.invalid/api/v2/users/me/"]


def test_a_settings_file_that_is_broken_is_a_sentence(person: Callable[..., Installed]) -> None:
    alice = person()
    file = alice.home / ".config/headnode/config.toml"
    file.parent.mkdir(parents=True)
    for text in (b"current = ", b"\xff", b"profiles = 3", b"[profiles.x]\nurl = 3"):
        file.write_bytes(text)
        done = alice.run("whoami")
        assert done.returncode == 1
        assert str(file) in done.stderr
        assert "Traceback" not in done.stderr


def test_a_fault_of_its_own_is_a_report_and_no_traceback(person: Callable[..., Installed]) -> None:
    alice = person()
    with answering((200, {"Content-Type": "application/json"}, "[1]")) as (url, _):
        done = alice.run("whoami", HEADNODE_URL=url, HEADNODE_TOKEN="hn_very_secret")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    report = alice.home / ".local/state/headnode/last-failure.txt"
    assert "Traceback" in report.read_text()
    assert "hn_very_secret" not in report.read_text()


@pytest.mark.parametrize("token", ["hn_secret\nX-Evil: 1", "hn_secret two", "hn_secret\N{SNOWMAN}"])
def test_a_token_that_is_none_is_not_shown(
    stack: Stack, person: Callable[..., Installed], token: str
) -> None:
    done = person().run("whoami", HEADNODE_URL=stack.base_url, HEADNODE_TOKEN=token)
    assert done.returncode == 3
    assert "secret" not in done.stdout + done.stderr
