"""What a webhook may reach: nothing inside, however it is written or resolved, unless the administrator allows it."""

import socket
import threading
from typing import Any

import pytest

from accounts.audit.trail import Actor
from accounts.models import User
from accounts.notifications import webhook_http
from accounts.notifications.webhook_http import PostFailed, post
from accounts.notifications.webhook_targets import check_url, is_in_one, is_outside, without_secrets
from accounts.refusals import Refused
from accounts.services.webhooks import add_webhook, change_webhook, remove_webhook
from tests.accounts.notifications.receivers import http_receiver, raw_receiver, say
from tests.waiting import LIMIT

INSIDE = [
    "127.0.0.1", "127.255.1.2", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "168.63.129.16",
    "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "203.0.113.5", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::",
    "2002:a00:1::1", "2001:0:7f00:1::", "2001:db8::1",
]  # fmt: skip
OUTSIDE = [
    "8.8.8.8",
    "93.184.216.34",
    "2606:2800:220:1:248:1893:25c8:1946",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::",
]


@pytest.mark.parametrize("address", INSIDE)
def test_inside(address: str) -> None:
    assert not is_outside(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_outside(address: str) -> None:
    assert is_outside(address)


def test_the_administrators_networks() -> None:
    assert is_in_one("10.1.2.3", ["10.0.0.0/8"]) and is_in_one("::ffff:10.1.2.3", ["10.0.0.0/8"])
    assert is_in_one("::1", ["::1"]) and not is_in_one("::1", ["127.0.0.0/8"])
    assert not is_in_one("10.1.2.3", ["10.2.0.0/16", "fd00::/8"]) and is_in_one(
        "fd00::5", ["10.2.0.0/16", "fd00::/8"]
    )


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "0", "localhost", "LOCALHOST",
     "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::]"],
)  # fmt: skip
def test_no_spelling_leads_inside(host: str) -> None:
    with http_receiver() as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        with pytest.raises(PostFailed, match="none of its addresses may be reached from here"):
            post(check_url(f"http://{host}:{port}/hook"), b"{}", {}, [])
        assert receiver.requests == []


def test_a_name_is_resolved_once_and_the_checked_address_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    connected: list[Any] = []

    def answers(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(address: Any, *args: Any, **options: Any) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(PostFailed):
        post("http://rebinding.example.org:8080/", b"{}", {}, [])
    assert asked == ["rebinding.example.org"]
    assert connected == [("93.184.216.34", 8080)]


def test_a_name_that_is_not_resolved_in_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def never(*args: Any, **options: Any) -> list[Any]:
        over.wait(LIMIT)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setattr(webhook_http, "CONNECT_SECONDS", 0.2)
    try:
        with pytest.raises(PostFailed, match="did not answer within"):
            post("http://slow.example.org/", b"{}", {}, [])
    finally:
        over.set()


def test_this_machines_public_address_is_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    assert webhook_http.is_own_address("127.0.0.1") and not webhook_http.is_own_address("93.184.216.34")
    monkeypatch.setattr(webhook_http, "is_own_address", lambda address: True)
    with pytest.raises(PostFailed, match="may be reached"):
        post("http://93.184.216.34/", b"{}", {}, [])


def test_allowed_networks_are_reached_by_name_and_address() -> None:
    with http_receiver() as receiver:
        assert post(receiver.url, b"{}", {}, ["127.0.0.1"]).status == 204
        assert (
            post(receiver.url.replace("127.0.0.1", "localhost"), b"{}", {}, ["127.0.0.0/8", "::1"]).status
            == 204
        )
        assert receiver.requests[1].headers["host"].startswith("localhost:")


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org/", "javascript:alert(1)", "file:///etc/passwd", "http://", "https:///path",
     "http://user:pass@example.org/", "http://a@b/", "http://example.org:0/", "http://example.org:99999/", "http://[::1/",
     "http://example.org/#x", "http://example.org/a b", "http://example.org\\@127.0.0.1/", "http://exa\nmple.org/",
     "http://①②⑦.⓪.⓪.①/", "http://127.0.0.1%00.example.org/", "http://[fe80::1%25eth0]/",
     "http://example.org/" + "x" * 600],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Refused) as refused:
        check_url(url)
    assert refused.value.reason == "webhook_url_invalid" and refused.value.field == "url"


@pytest.mark.parametrize(
    "url", ["https://example.org", "http://example.org:8080/a/b?c=%20d", "https://[2606:2800::1]/x"]
)
def test_addresses(url: str) -> None:
    assert check_url(f"  {url} ") == url


# How receivers misbehave, and what is said about it.


def test_a_large_answer_is_cut() -> None:
    with http_receiver() as receiver:
        receiver.answer = lambda handler: say(handler, 200, b"x" * 50_000_000)
        assert len(post(receiver.url, b"{}", {}, ["127.0.0.1"]).text) <= webhook_http.MAX_ANSWER


def drip_header(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    connection.settimeout(0.05)
    while True:
        connection.sendall(b"x")
        try:
            if connection.recv(1) == b"":
                return
        except TimeoutError:
            continue


def drip_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.settimeout(0.05)
    while True:
        connection.sendall(b"1\r\nx\r\n")
        try:
            if connection.recv(1) == b"":
                return
        except TimeoutError:
            continue


def say_nothing(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


@pytest.mark.parametrize("talk", [drip_header, drip_body, say_nothing])
def test_one_that_takes_its_time_is_left(talk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_http, "TOTAL_SECONDS", 1.0)
    with raw_receiver(talk) as url, pytest.raises(PostFailed, match="did not answer within"):
        post(url, b"{}", {}, ["127.0.0.1"])


@pytest.mark.parametrize(
    "bytes_sent",
    [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
     b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\n", b"\0" * 1000],
)  # fmt: skip
def test_one_that_talks_nonsense_is_a_failure(bytes_sent: bytes) -> None:
    with raw_receiver(lambda connection: connection.sendall(bytes_sent)) as url, pytest.raises(PostFailed):
        post(url, b"{}", {}, ["127.0.0.1"])


def test_nobody_listens_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(PostFailed, match="cannot be connected to"):
            post(f"http://127.0.0.1:{free.getsockname()[1]}/", b"{}", {}, ["127.0.0.1"])


def test_a_name_that_there_is_not() -> None:
    with pytest.raises(PostFailed, match="name is not known"):
        post("http://no-such-host.invalid/", b"{}", {}, [])


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with http_receiver() as receiver:
        assert post(receiver.url, b"{}", {}, ["127.0.0.1"]).status == 204


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/", "https://example.org/"),
        ("https://example.org", "https://example.org/"),
        ("https://hooks.example.org:8443/services/T0/B0/s3cret", "https://hooks.example.org:8443/…"),
        ("https://example.org?token=s3cret", "https://example.org/…"),
        ("https://example.org/?token=s3cret", "https://example.org/…"),
    ],
)
def test_what_others_read_of_an_address_has_no_secret(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


@pytest.mark.django_db
def test_the_trail_has_no_secret_and_says_that_the_address_changed(alice: User) -> None:
    actor = Actor(alice)
    hook, _ = add_webhook(actor, alice, "https://example.org/s3cret-1", [])
    change_webhook(actor, hook, url="https://example.org/s3cret-2")
    change_webhook(actor, hook, url="https://example.org/s3cret-2")
    remove_webhook(actor, hook)
    events = list(alice.audit_events_about.order_by("id"))
    assert [event.action.rpartition(":")[2] for event in events] == ["added", "changed", "removed"]
    assert events[1].after["url"] == "changed"
    assert "s3cret" not in str([(event.before, event.after) for event in events])
