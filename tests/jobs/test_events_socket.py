"""The live Job Log over its websocket: who may follow, from which cursor, and until when."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import websockets
from websockets.sync.client import ClientConnection, connect

from tests.acceptance.people import Person, with_token
from tests.stack import Stack
from tests.waiting import LIMIT


@pytest.fixture(scope="module")
def person(stack: Stack) -> Person:
    return with_token(stack)


@pytest.fixture(scope="module")
def job(person: Person) -> Iterator[str]:
    job = person.submit("sleep 600")
    person.wait_for_message(job, "Launched the command")
    yield job
    person.call("POST", f"/api/v2/jobs/{job}/stop/")
    person.wait_for_cluster(job, "Stopped")


def url(stack: Stack, path: str) -> str:
    return stack.base_url.replace("http", "ws", 1) + path


def follow(stack: Stack, path: str, token: str | None, **headers: str) -> ClientConnection:
    if token:
        headers["Authorization"] = f"Token {token}"
    return connect(url(stack, path), additional_headers=headers, open_timeout=LIMIT)


def close_of(socket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(websockets.ConnectionClosed) as caught:
        while True:
            socket.recv(timeout=LIMIT)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


def test_replay_from_the_cursor_then_live_without_a_gap(stack: Stack, person: Person, job: str) -> None:
    with follow(stack, f"ws/jobs/{job}/events/?after=2", person.token) as socket:
        first = json.loads(socket.recv(timeout=LIMIT))
        assert first["sequence"] == 3
        assert set(first) == {"sequence", "time", "source", "level", "stage", "node", "message"}


def test_a_page_is_told_to_load_the_state_as_soon_as_it_is_followed(
    stack: Stack, person: Person, job: str
) -> None:
    """What changed after the page was made, and before this connection, would otherwise never be shown."""
    last = person.events(job)[-1]["sequence"]
    with follow(stack, f"ws/jobs/{job}/events/?after={last}", person.token) as socket:
        said = (json.loads(socket.recv(timeout=LIMIT)) for _ in range(10))  # the job may print meanwhile
        assert next(message for message in said if "sequence" not in message) == {"type": "state"}


@pytest.mark.parametrize(
    ("path", "token", "code", "reason"),
    [
        ("ws/jobs/{job}/events/", False, 4401, "not_signed_in"),
        ("ws/jobs/{job}/events/", "hn_wrong", 4401, None),
        ("ws/jobs/{job}/events/?after=-1", True, 4400, "bad_cursor"),
        ("ws/jobs/{job}/events/?after=x", True, 4400, "bad_cursor"),
        ("ws/jobs/{job}/events/?after=99999999999999999999", True, 4400, "bad_cursor"),
        ("ws/jobs/ZZZZZZ/events/", True, 4404, "not_found"),
        ("ws/nothing/", True, 4404, "not_found"),
    ],
)
def test_refused_with_a_word(
    stack: Stack, person: Person, job: str, path: str, token: Any, code: int, reason: str | None
) -> None:
    secret = person.token if token is True else token or None
    with follow(stack, path.format(job=job), secret) as socket:
        answer = close_of(socket)
    assert answer[0] == code
    assert reason is None or answer[1] == reason


def test_a_foreign_page_is_not_let_in(stack: Stack, person: Person, job: str) -> None:
    with pytest.raises(websockets.InvalidStatus) as caught:
        follow(stack, f"ws/jobs/{job}/events/", person.token, Origin="https://evil.example")
    assert caught.value.response.status_code == 403


def test_garbage_from_a_follower_changes_nothing(stack: Stack, person: Person, job: str) -> None:
    with follow(stack, f"ws/jobs/{job}/events/", person.token) as socket:
        socket.send("{]")
        socket.send(b"\x00\xff" * 1000)
        assert json.loads(socket.recv(timeout=LIMIT))["sequence"] == 1


def test_somebody_elses_job_is_not_there(stack: Stack, person: Person, job: str) -> None:
    stack.manage("add_person", "charlie-of-events", HEADNODE_NEW_PASSWORD="charlies long password")
    charlie = with_token(stack, "charlie-of-events", "charlies long password")
    with follow(stack, f"ws/jobs/{job}/events/", charlie.token) as socket:
        assert close_of(socket) == (4404, "not_found")


def test_an_ended_token_ends_the_follower(stack: Stack, person: Person, job: str) -> None:
    other = with_token(stack)
    with follow(stack, f"ws/jobs/{job}/events/", other.token) as socket:
        assert json.loads(socket.recv(timeout=LIMIT))["sequence"] == 1
        other.call("DELETE", "/api/v2/users/me/token/")
        assert close_of(socket) == (4401, "not_signed_in")
