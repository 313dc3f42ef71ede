"""What an operator should look at is a message with an id and a hint."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from portal.checks import report_at_start, settings_check
from tests.stack import ROOT, clean_environment


def ids() -> list[str | None]:
    return [message.id for message in settings_check(None)]


def test_the_defaults_of_a_demo_are_fine() -> None:
    assert ids() == []


def test_no_tls_outside_the_demo_is_a_warning(settings: Any) -> None:
    settings.DEMO = False
    settings.HTTPS = False
    assert ids() == ["portal.W001"]


def test_every_host_is_a_warning_outside_the_demo(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert ids() == []
    settings.DEMO, settings.HTTPS = False, True
    assert ids() == ["portal.W002"]


def test_a_redirect_without_end_is_a_warning(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert ids() == ["portal.W004"]
    settings.HEADNODE_TRUSTED_PROXIES = ["10.0.0.5"]
    assert ids() == []


@pytest.mark.parametrize("location", ["unix:///no/redis.sock?db=2", "redis://:a-password@127.0.0.1:1/2"])
def test_a_redis_that_does_not_answer_is_said_and_fails_no_check(settings: Any, location: str) -> None:
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": location}}
    assert ids() == ["portal.I001"]
    message = settings_check(None)[0]
    assert "REDIS_URL" in message.msg
    assert "a-password" not in message.msg
    assert message.hint


def test_every_message_has_a_hint_and_stops_no_process(settings: Any) -> None:
    settings.DEMO, settings.HTTPS, settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = (
        False,
        False,
        ["*"],
        True,
    )
    assert sorted(str(i) for i in ids()) == ["portal.W001", "portal.W002", "portal.W004"]
    assert all(message.hint and not message.is_serious() for message in settings_check(None))


@pytest.mark.django_db
def test_a_process_starts_without_redis_and_says_so(settings: Any) -> None:
    written = io.StringIO()
    assert report_at_start(written)
    assert written.getvalue() == ""
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/2"}}
    assert report_at_start(written)
    assert written.getvalue().startswith("No Redis answers at REDIS_URL (")
    assert len(written.getvalue().splitlines()) == 1


REPORT = """
import sys, django
django.setup()
from portal.checks import report_at_start
sys.exit(not report_at_start(sys.stderr))
"""


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgres://u:a-secret@127.0.0.1:1/d", "cannot be used ("),
        ("sqlite:////no/such/folder/db.sqlite3", "cannot be used (unable to open database file)"),
        ("", "has no tables: run `python manage.py migrate`."),
    ],
)
def test_a_process_does_not_start_without_its_database(tmp_path: Path, url: str, sentence: str) -> None:
    environ = {"HEADNODE_VAR": str(tmp_path), "HEADNODE_DEMO": "1", "DATABASE_URL": url}
    done = subprocess.run(
        [sys.executable, "-c", REPORT],
        cwd=ROOT,
        env=clean_environment() | environ | {"DJANGO_SETTINGS_MODULE": "portal.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert sentence in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert "a-secret" not in done.stderr
