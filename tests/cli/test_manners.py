"""What holds for every command: help at once, one sentence for what goes wrong, stable statuses, no traceback.

No portal is started here: a server of the test answers.
"""

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.cli.headnode_cli import completions, run, runtime, ssh_session
from tests.cli.fake_portal import answering
from tests.cli.installed import Installed
from tests.stack import free_port
from tests.waiting import LIMIT


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


def events(count: int) -> str:
    rows = [
        {
            "sequence": number,
            "time": "2026-04-03T12:00:00Z",
            "source": "program",
            "level": "info",
            "stage": "",
            "node": "head",
            "message": f"line {number} " + "x" * 200 + " \N{SNOWMAN}",
        }
        for number in range(1, count + 1)
    ]
    return json.dumps({"results": rows, "next": None})


JSON = {"Content-Type": "application/json"}


def shell(someone: Installed, line: str, url: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    told = someone.env | {"HEADNODE_URL": url, "HEADNODE_TOKEN": "hn_x"} | environment
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], env=told, capture_output=True, text=True, timeout=4 * LIMIT
    )


def test_a_reader_that_has_enough_is_no_failure(somebody: Callable[..., Installed]) -> None:
    alice = somebody()
    with answering((200, JSON, events(2000))) as (url, _):
        done = shell(alice, "headnode logs AbCdEf | head -n 1", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "line 1 " in done.stdout
    for line in ("headnode --help | sleep 0", "headnode --help >&-", "headnode --version >&-"):
        done = shell(alice, f"sleep 0; {line}", "http://127.0.0.1:9")
        assert (done.returncode, done.stderr) == (0, ""), line


def test_a_terminal_that_lacks_letters_shows_question_marks(somebody: Callable[..., Installed]) -> None:
    alice = somebody()
    with answering((200, JSON, events(1))) as (url, _):
        plain = shell(alice, "headnode logs AbCdEf", url, PYTHONIOENCODING="latin-1")
        document = shell(alice, "headnode logs AbCdEf --json", url, PYTHONIOENCODING="latin-1")
    assert (plain.returncode, plain.stderr) == (0, "")
    assert plain.stdout.endswith("x ?\n")
    assert json.loads(document.stdout)["message"].endswith("x \N{SNOWMAN}")


def test_a_report_is_private_and_holds_no_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setitem(runtime._given, "token", "odd-secret")
    run._report(ValueError("hn_very_secret and odd-secret\x1b[2J"))
    [report] = tmp_path.rglob("*.txt")
    assert report.stat().st_mode & 0o777 == 0o600
    text = report.read_text()
    assert "[token] and [token]" in text
    assert "secret" not in text
    assert "\x1b" not in text
    assert str(report) in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_a_sentence_and_the_token_ends(
    somebody: Callable[..., Installed],
) -> None:
    alice = somebody()
    kept = alice.home / ".config/headnode/tokens.json"
    kept.mkdir(parents=True)
    asked = {
        "deviceCode": "x",
        "userCode": "BCDF-GHJK",
        "verificationUriComplete": "http://127.0.0.1/device/?code=BCDF-GHJK",
        "expiresIn": 60,
        "interval": 0,
    }
    answers = [(200, JSON, json.dumps(body)) for body in (asked, {"token": "hn_made"}, {"username": "alice"})]
    with answering(*answers, (204, {}, "")) as (url, seen):
        done = alice.run("login", url, "--no-browser")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(kept) in done.stderr.splitlines()[-1]
    assert seen[-1] == "DELETE /api/v2/users/me/token/"


def test_a_profile_of_another_portal_is_refused_before_a_token_is_made(
    somebody: Callable[..., Installed],
) -> None:
    alice = somebody()
    settings = alice.home / ".config/headnode/config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('[profiles.work]\nurl = "https://elsewhere.example"\n')
    with answering((500, {}, "")) as (url, seen):
        assert alice.run("login", url, "--profile", "work").returncode == 2
    assert seen == []


def test_doctor_goes_on_after_what_is_wrong(somebody: Callable[..., Installed]) -> None:
    done = somebody().run("doctor", HEADNODE_URL="https://127.0.0.1:9", HEADNODE_CA_FILE="/no/such/file")
    assert done.returncode == 1
    assert "wrong   portal: The file of certificate authorities" in done.stdout
    assert "0 portals" in done.stdout


def test_an_unknown_shell_is_wrong_usage(somebody: Callable[..., Installed]) -> None:
    assert somebody().run("completion", "tcsh").returncode == 2


def test_completion_does_not_wait_for_a_portal_that_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions, "SECONDS", 0.1)
    monkeypatch.setitem(runtime._given, "token", "hn_x")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HEADNODE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert [word for word, _ in completions.jobs("")] == []


def test_a_program_that_a_signal_ended_has_the_status_that_shells_give_it() -> None:
    assert ssh_session.run(["sh", "-c", "kill -9 $$"]) == 137
