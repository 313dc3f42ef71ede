"""How many requests a person and an address may send to the API, and what happens while Redis is away."""

import logging
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from accounts.rest import rate_limit
from accounts.rest.rate_limit import RateState, count_request
from portal.embedded.preflight import find_redis
from tests.api import client_of
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db
ME = "/api/v2/users/me/"


@pytest.fixture
def fresh(settings: Settings) -> None:
    """Buckets that no other test has taken from, and limits that are reached quickly."""
    rate_limit._script(settings.CACHES["default"]["LOCATION"]).registered_client.flushdb()
    settings.HEADNODE_API_REQUESTS_PER_PERSON = 50  # 10 at once
    settings.HEADNODE_API_REQUESTS_PER_ADDRESS = 100  # 20 at once
    rate_limit._Away.until = 0.0


def ask(client: APIClient, count: int, path: str = ME, **changes: Any) -> list[Any]:
    return [client.get(path, **changes) for _ in range(count)]


def codes(answers: list[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


def test_too_many_of_one_person(fresh: None, alice: User) -> None:
    answers = ask(client_of(alice), 16)  # a slow machine may refill some meanwhile

    assert codes(answers)[:10] == [200] * 10
    assert answers[-1].status_code == 429
    assert [int(answer["X-RateLimit-Remaining"]) for answer in answers[:3]] == [9, 8, 7]
    assert {answer["X-RateLimit-Limit"] for answer in answers} == {"10"}
    refused = answers[-1]
    assert refused["Retry-After"] in ("1", "2")
    assert refused["X-RateLimit-Remaining"] == "0"
    assert refused.json()["reason"] == "throttled"
    assert "Too many requests." in refused.json()["detail"]


def test_every_token_and_session_of_a_person_counts(fresh: None, alice: User, bob: User) -> None:
    program, browser = client_of(alice), APIClient()
    browser.force_login(alice)
    ask(client_of(alice), 9)

    assert 429 in codes(ask(browser, 5))
    assert 429 in codes(ask(program, 2))
    assert codes(ask(client_of(bob), 1)) == [200]


@pytest.mark.parametrize(
    "path", [ME, "/api/v2/", "/api/v3/jobs/", "/api/v2/no-such/", "/api/schema/", "/api/docs/"]
)
def test_too_many_of_one_address(fresh: None, path: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Token nonsense")

    answers = ask(client, 32, path)

    assert 429 not in codes(answers)[:20]
    assert answers[-1].status_code == 429
    assert answers[-1]["Retry-After"] == "1"
    assert answers[-1].json()["reason"] == "throttled"
    assert codes(ask(client, 1, path, REMOTE_ADDR="192.0.2.9")) != [429]


def test_an_address_that_somebody_invents_is_not_another_address(fresh: None) -> None:
    client = APIClient()
    answers = [client.get(ME, headers={"X-Forwarded-For": f"192.0.2.{number}"}) for number in range(32)]
    assert answers[-1].status_code == 429


def test_pages_sign_in_and_the_token_endpoint_are_not_counted(fresh: None, alice: User) -> None:
    client = APIClient()
    ask(client, 21)
    for path in ("/accounts/login/", "/healthz"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "X-RateLimit-Limit" not in answer
    sign_in = {"username": "alice", "password": "correct horse battery"}
    assert client.post("/api-token-auth/", sign_in, format="json").status_code == 200


def test_a_bucket_refills(fresh: None, settings: Settings) -> None:
    name = uuid.uuid4().hex
    states = [count_request(name, 300) for _ in range(80)]
    assert states[0] == RateState(60, 59)
    assert states[-1] == RateState(60, 0, wait_seconds=1)
    wait_for(
        lambda: (state := count_request(name, 300)) is not None and state.is_allowed,
        "one more after 200 ms",
        2,
    )


def test_no_limit_is_no_limit(fresh: None, settings: Settings, alice: User) -> None:
    settings.HEADNODE_API_REQUESTS_PER_PERSON = settings.HEADNODE_API_REQUESTS_PER_ADDRESS = 0
    answers = ask(client_of(alice), 30)
    assert codes(answers) == [200] * 30
    assert "X-RateLimit-Limit" not in answers[0]


def test_counting_is_atomic() -> None:
    name = uuid.uuid4().hex
    with ThreadPoolExecutor(16) as pool:
        states = list(pool.map(lambda _: count_request(name, 60), range(200)))
    # 12 at once, and one more for each second that this took.
    assert 12 <= sum(state is not None and state.is_allowed for state in states) <= 16


@pytest.fixture
def another_redis(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["subprocess.Popen[bytes]"]:
    folder = tmp_path_factory.mktemp("r")
    path = folder / "redis.sock"
    process = subprocess.Popen(
        [find_redis(), "--port", "0", "--unixsocket", path, "--dir", folder, "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    wait_for(path.exists, "Redis listens")
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": f"unix://{path}?db=2"}}
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


@pytest.mark.parametrize("trouble", [signal.SIGKILL, signal.SIGSTOP], ids=["gone", "hangs"])
def test_while_redis_is_away_requests_pass_and_a_line_says_so(
    fresh: None,
    alice: User,
    another_redis: "subprocess.Popen[bytes]",
    trouble: signal.Signals,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = client_of(alice)
    assert client.get(ME)["X-RateLimit-Limit"] == "10"
    os.kill(another_redis.pid, trouble)
    if trouble is signal.SIGKILL:
        another_redis.wait()
    with caplog.at_level(logging.WARNING):
        began = time.monotonic()
        answers = ask(client, 30)
    assert codes(answers) == [200] * 30
    assert time.monotonic() - began < 5
    said = [record for record in caplog.records if "Redis is away" in record.message]
    assert len(said) == 1, "once, not for each request"


def test_it_counts_again_once_redis_is_back(
    fresh: None, alice: User, another_redis: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "AWAY_SECONDS", 0.0)
    client = client_of(alice)
    os.kill(another_redis.pid, signal.SIGSTOP)
    assert "X-RateLimit-Limit" not in client.get(ME)
    os.kill(another_redis.pid, signal.SIGCONT)
    wait_for(lambda: "X-RateLimit-Limit" in client.get(ME), "requests are counted")


def test_a_redis_without_place_or_rights_is_away(
    fresh: None, settings: Settings, alice: User, tmp_path: Path
) -> None:
    """Also an error that Redis answers: here there is no such database."""
    location = settings.CACHES["default"]["LOCATION"].replace("db=2", "db=999")
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": location}}
    assert codes(ask(client_of(alice), 12)) == [200] * 12
    rate_limit._Away.until = 0.0
