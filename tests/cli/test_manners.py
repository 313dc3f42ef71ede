"""What holds for every command: help at once, one sentence for what goes wrong, stable statuses, no traceback.

No portal is started here: a server of the test answers.
"""

from collections.abc import Callable

import pytest

from tests.cli.fake_portal import answering
from tests.cli.installed import Installed
from tests.stack import free_port


def test_help_names_every_command_and_imports_nothing_large(somebody: Callable[..., Installed]) -> None:
    alice = somebody()
    assert "login" in alice.good("--help")
    assert alice.good() == alice.good("-h") == alice.good("help") == alice.good("--help")
    trace = alice.run("--help", PYTHONPROFILEIMPORTTIME="1").stderr
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in trace.splitlines()}
    assert "headnode_cli" in imported
    assert not {"typer", "httpx", "rich", "asyncio", "ssl"} & imported


@pytest.mark.parametrize("arguments", [["lst"], ["--nothing"], ["whoami", "--nothing"], ["login", "a", "b"]])
def test_wrong_usage_is_2(somebody: Callable[..., Installed], arguments: list[str]) -> None:
    done = somebody().run(*arguments)
    assert done.returncode == 2
    assert "Try: headnode" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_portal_that_is_away_is_6(somebody: Callable[..., Installed]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = somebody().run("whoami", HEADNODE_URL=url, HEADNODE_TOKEN="hn_x")
    assert done.returncode == 6
    assert done.stderr == f"headnode: {url} cannot be reached: nothing listens there.\n"


def test_reading_is_tried_again_but_writing_is_not(somebody: Callable[..., Installed]) -> None:
    alice = somebody()
    me = (200, {"Content-Type": "application/json"}, '{"username": "alice"}')
    with answering((502, {}, "bad"), (429, {"Retry-After": "0"}, ""), me) as (url, seen):
        assert alice.good("whoami", "-q", HEADNODE_URL=url, HEADNODE_TOKEN="hn_x") == "alice\n"
        assert seen == ["GET /api/v2/users/me/"] * 3
    with answering((502, {}, "bad")) as (url, seen):
        done = alice.run("login", url, "--no-browser")
        assert (done.returncode, len(seen)) == (1, 1)
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("body", ["<html>a proxy's page</html>", '["a list"', ""])
def test_an_answer_of_something_else_is_a_sentence(somebody: Callable[..., Installed], body: str) -> None:
    with answering((200, {"Content-Type": "text/html"}, body)) as (url, _):
        done = somebody().run("whoami", HEADNODE_URL=url, HEADNODE_TOKEN="hn_x")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_proxy_is_used(somebody: Callable[..., Installed]) -> None:
    me = (200, {"Content-Type": "application/json"}, '{"username": "alice"}')
    with answering(me) as (proxy, seen):
        environment = {"HEADNODE_URL": "http://portal.invalid", "HEADNODE_TOKEN": "hn_x", "HTTP_PROXY": proxy}
        assert somebody().good("whoami", "-q", **environment) == "alice\n"
    assert seen == ["GET http://portal.invalid/api/v2/users/me/"]


def test_a_settings_file_that_is_broken_is_a_sentence(somebody: Callable[..., Installed]) -> None:
    alice = somebody()
    file = alice.home / ".config/headnode/config.toml"
    file.parent.mkdir(parents=True)
    for text in (b"current = ", b"\xff", b"profiles = 3", b"[profiles.x]\nurl = 3"):
        file.write_bytes(text)
        done = alice.run("whoami")
        assert done.returncode == 1
        assert str(file) in done.stderr
        assert "Traceback" not in done.stderr


def test_a_fault_of_its_own_is_a_report_and_no_traceback(somebody: Callable[..., Installed]) -> None:
    alice = somebody()
    with answering((200, {"Content-Type": "application/json"}, "[1]")) as (url, _):
        done = alice.run("whoami", HEADNODE_URL=url, HEADNODE_TOKEN="hn_very_secret")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    report = alice.home / ".local/state/headnode/last-failure.txt"
    assert "Traceback" in report.read_text()
    assert "hn_very_secret" not in report.read_text()


@pytest.mark.parametrize("token", ["hn_secret\nX-Evil: 1", "hn_secret two", "hn_secret\N{SNOWMAN}"])
def test_a_token_that_is_none_is_not_shown(somebody: Callable[..., Installed], token: str) -> None:
    done = somebody().run("whoami", HEADNODE_URL="http://127.0.0.1:9", HEADNODE_TOKEN=token)
    assert done.returncode == 3
    assert "secret" not in done.stdout + done.stderr
