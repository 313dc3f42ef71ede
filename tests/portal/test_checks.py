"""A wrong setting is reported with a message, an id and a hint."""

import subprocess
import sys

import pytest
from pytest_django import Settings

from portal.checks import settings_check
from tests.stack import ROOT, clean_environment

GOOD = "0123456789-0123456789-0123456789-0123456789"


def ids() -> list[str | None]:
    return [message.id for message in settings_check(None)]


def test_the_defaults_of_a_demo_are_fine() -> None:
    assert ids() == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("HEADNODE_TRUSTED_PROXIES", ["10.0.0.0/33"], "portal.E003"),
        ("HEADNODE_METRICS_ADDRESSES", ["here"], "portal.E003"),
        ("HEADNODE_TRUSTED_PROXIES", ["0.0.0.0/0"], "portal.E004"),
        ("HEADNODE_TRUSTED_PROXIES", ["::/0"], "portal.E004"),
        ("HEADNODE_GATEWAY_ADDRESSES", ["10.0.0.0/8"], "portal.E005"),
        ("REDIS_URL", "localhost:6379", "portal.E006"),
        ("HEADNODE_BROKER_URL", "unix:/broker.sock", "portal.E006"),
        ("HEADNODE_SIMULATOR_URL", "unix:/" + "x" * 107, "portal.E007"),
        ("HEADNODE_JOB_USER_PREFIX", "Root ", "portal.E008"),
        ("HEADNODE_JOB_USER_PREFIX", "", "portal.E008"),
        ("HEADNODE_MAX_SLOTS", 0, "portal.E009"),
        ("HEADNODE_RECORDING_MAX_MB", 0, "portal.E009"),
        ("HEADNODE_RECORDING_DAYS", -1, "portal.E031"),
    ],
)
def test_a_wrong_value(settings: Settings, name: str, value: object, expected: str) -> None:
    setattr(settings, name, value)
    assert ids() == [expected]
    message = settings_check(None)[0]
    assert name in message.msg
    assert message.hint


def test_a_path_of_107_bytes_is_not_too_long(settings: Settings) -> None:
    settings.HEADNODE_SIMULATOR_URL = "unix:/" + "x" * 106
    assert ids() == []


@pytest.mark.parametrize(("key", "expected"), [(None, "portal.E001"), ("short", "portal.E002"), (GOOD, None)])
def test_the_secret_outside_the_demo(settings: Settings, key: str | None, expected: str | None) -> None:
    settings.DEMO = False
    settings.HTTPS = True
    settings.SECRET_KEY = settings.INSECURE_SECRET_KEY if key is None else key
    assert ids() == ([expected] if expected else [])


def test_no_tls_outside_the_demo_is_a_warning(settings: Settings) -> None:
    settings.DEMO = False
    settings.HTTPS = False
    assert ids() == ["portal.W001"]


def test_the_web_process_does_not_start_without_a_secret() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "portal.web"],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "HEADNODE_SECRET_KEY is not set" in done.stderr
    assert "Traceback" not in done.stderr
