"""A portal that means harm, or something else in its place: nothing it says is opened, run or written unchecked."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from portal.cli.headnode_cli import client, device_login, downloads, errors, web_browser
from portal.cli.headnode_cli.commands import cp
from tests.cli.fake_portal import answering
from tests.cli.installed import Installed

JSON = {"Content-Type": "application/json"}
ASKED = {
    "deviceCode": "x",
    "userCode": "BCDF-GHJK",
    "verificationUriComplete": "http://127.0.0.1/device/",
    "expiresIn": 60,
    "interval": 0,
}


def answer(body: Any) -> tuple[int, dict[str, str], str]:
    return 200, JSON, json.dumps(body)


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "--help", "javascript:x", "https://", "http://x/ -y", "http://x/\x1b[2J", ""],
)
def test_only_a_web_page_is_opened(address: str) -> None:
    assert not web_browser.is_page(address)
    assert not web_browser.open_page(address)


def test_login_opens_nothing_else_and_shows_no_control_characters(somebody: Callable[..., Installed]) -> None:
    alice = somebody()
    opened = alice.home / "opened"
    browser = alice.home / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > {opened}\n')
    browser.chmod(0o755)
    with answering(answer(ASKED | {"verificationUriComplete": "file:///etc/passwd"})) as (url, _):
        done = alice.run("login", url, BROWSER=str(browser))
    assert done.returncode == 1
    assert "file:///etc/passwd" in done.stderr
    assert not opened.exists()
    denied = (400, JSON, json.dumps({"detail": "no\x1b]0;title\x07", "reason": "access_denied"}))
    with answering(answer(ASKED | {"userCode": "\x1b[2JBCDF"}), denied) as (url, _):
        done = alice.run("login", url, "--no-browser")
    assert done.returncode == 3
    assert "\x1b" not in done.stderr
    assert "BCDF" in done.stderr


def test_a_line_that_breaks_while_the_code_is_confirmed_ends_nothing() -> None:
    class Away:
        def __init__(self) -> None:
            self.errors = [
                errors.Unreachable("x"),
                errors.Failed("y"),
                errors.Refused("z", device_login.PENDING),
            ]

        def post(self, *_: object) -> dict[str, str]:
            if self.errors:
                raise self.errors.pop(0)
            return {"token": "hn_x"}

    portal: Any = Away()
    assert device_login.wait(portal, ASKED, sleep=lambda _: None) == {"token": "hn_x"}


def test_a_clusters_name_adds_no_line_to_the_configuration(somebody: Callable[..., Installed]) -> None:
    alice = somebody()
    cluster = {"endedAt": None, "jobId": "AbCdEf", "handle": "x\n  ProxyCommand touch /tmp/x"}
    node = {
        "name": "head",
        "role": "MPI_MASTER",
        "username": "uprod_x",
        "publicIp": "192.0.2.7",
        "sshPort": 22,
        "status": "running",
        "hostKeyAlarmAt": None,
    }
    line = "x.headnode,192.0.2.7 ssh-ed25519 AAAA"
    answers = [(200, {}, line), answer({"results": [cluster], "next": None}), (200, {}, line)]
    with answering(*answers, answer({"results": [node], "next": None})) as (url, _):
        done = alice.run("config-ssh", HEADNODE_URL=url, HEADNODE_TOKEN="hn_x")
    assert done.returncode == 1
    assert "oddly" in done.stderr
    assert not (alice.home / ".ssh").exists()


@pytest.mark.parametrize(
    "body",
    [b'{"username": "\xff"}', b"[" * 100_000, b'{"username"', b"<html>", b"\x00"],
    ids=["no UTF-8", "nested", "truncated", "HTML", "NUL"],
)
def test_what_is_no_json_is_a_sentence(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    portal = client.Portal("http://x")
    answers = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    monkeypatch.setattr(portal, "_http", httpx.Client(transport=answers))
    with pytest.raises(errors.CLIError, match="did not answer as a Headnode portal does"):
        portal.get("users/me/")


def test_a_broken_encoding_is_a_broken_line(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = client.Portal("http://x", tries=1)
    body = gzip.compress(b"{}")[:-4] + b"oops"
    answers = httpx.MockTransport(
        lambda _: httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=b"x" + body)
    )
    monkeypatch.setattr(portal, "_http", httpx.Client(transport=answers))
    with pytest.raises(errors.Unreachable):
        portal.get("users/me/")


def test_a_list_that_never_ends_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = client.Portal("http://x")
    monkeypatch.setattr(portal, "get", lambda *_, **__: {"results": [], "next": "more"})
    assert list(portal.pages("jobs/")) == []


@pytest.mark.parametrize("proxy", ["nothing://me:hidden@x", "http://me:hidden@x:port"])
def test_a_proxy_that_is_none_is_a_sentence(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(errors.CLIError, match="no proxy that can be used") as said:
        client.Portal("http://x")
    assert "hidden" not in str(said.value)


def test_known_hosts_gives_ssh_nothing_but_host_keys(somebody: Callable[..., Installed]) -> None:
    with answering((200, {}, "<html>Sign in to the hotel</html>")) as (url, _):
        done = somebody().run("known-hosts", "example.org", HEADNODE_URL=url, HEADNODE_TOKEN="hn_x")
    assert (done.returncode, done.stdout) == (1, "")


def test_a_file_with_too_many_bytes_is_not_taken(tmp_path: Path) -> None:
    class Generous:
        def stream(self, _: str, write: Callable[[bytes], Any], start: int) -> None:
            write(b"x" * 100)

    portal: Any = Generous()
    with pytest.raises(errors.CLIError, match="arrived damaged"):
        downloads.download(portal, {"id": "AbCdEf", "decryptedSize": 3, "name": "a"}, tmp_path / "a")
    assert not (tmp_path / "a").exists()
    assert [os.path.getsize(path) for path in tmp_path.iterdir()] == [0]


def test_a_portal_that_is_away_does_not_hide_why_a_copy_stopped() -> None:
    class Away:
        def get(self, _: str) -> None:
            raise errors.Unreachable("x")

    portal: Any = Away()
    assert cp._why_not(portal) == ""
