"""Every process says each wrong setting in a sentence, all at once, and ends; never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import ROOT, clean_environment, free_port

PROCESSES = {
    "web": ["-m", "portal.web"],
    "gateway": ["-m", "portal.gateway"],
    "worker": ["-m", "celery", "-A", "portal", "worker", "-P", "threads"],
    "beat": ["-m", "celery", "-A", "portal", "beat"],
    "manage.py": ["manage.py", "check"],
    "manage.py help": ["manage.py", "help"],
    "prepare": ["-m", "portal.embedded.prepare"],
    "make run": ["-m", "portal.embedded"],
}
WRONG = {
    "HEADNODE_MAX_SLOTS": "ten",
    "HEADNODE_LOG_LEVEL": "LOUD",
    "DATABASE_URL": "nonsense",
    "HEADNODE_HTTPS": "ture",
    "HEADNODE_MAX_UPLOAD_MB": "-1",
    "HEADNODE_BOOT_LIMIT_SECONDS": "0",
    "HEADNODE_EMAIL_BACKEND": "no.such.Backend",
    "HEADNODE_ALOWED_HOSTS": "headnode.example.org",
    "HEADNODE_ADMIN_PASSWORD": "abcde",
    "HEADNODE_SIMULATOR_BOOT": "sometimes",
}


def run(tmp_path: Path, arguments: list[str], **environ: str) -> "subprocess.CompletedProcess[str]":
    told = clean_environment() | {
        "HEADNODE_VAR": str(tmp_path / "var"),
        "HEADNODE_PORT": str(free_port()),
        "HEADNODE_SECRET_KEY": "0123456789-0123456789-0123456789-0123456789",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=told | environ,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
    )


@pytest.mark.parametrize("process", PROCESSES)
def test_wrong_settings_are_sentences(tmp_path: Path, process: str) -> None:
    done = run(tmp_path, PROCESSES[process], **WRONG)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr + done.stdout
    lines = done.stderr.strip().splitlines()
    assert {line.split("=")[0].split()[0] for line in lines} == set(WRONG), done.stderr
    assert "Did you mean HEADNODE_ALLOWED_HOSTS?" in done.stderr
    assert "abcde" not in done.stderr
    assert not (tmp_path / "var").exists(), "nothing was made"


@pytest.mark.parametrize("process", [name for name in PROCESSES if name != "make run"])
def test_no_secret_outside_a_demo(tmp_path: Path, process: str) -> None:
    done = run(tmp_path, PROCESSES[process], HEADNODE_SECRET_KEY="")
    assert done.returncode == 1
    assert done.stderr.startswith("HEADNODE_SECRET_KEY is not set")
    assert len(done.stderr.splitlines()) == 1


def test_a_value_that_is_not_text_is_a_sentence(tmp_path: Path) -> None:
    environ = {os.fsencode(name): os.fsencode(text) for name, text in clean_environment().items()}
    environ |= {
        b"HEADNODE_DEMO": b"1",
        b"HEADNODE_VAR": os.fsencode(tmp_path),
        b"HEADNODE_NAME": b"\xff\x1b[2J",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environ, capture_output=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith(b"HEADNODE_NAME='\\udcff\\x1b[2J' is not a name")


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:1", "redis://:a-secret@127.0.0.1:1", "unix:///no/redis.sock"]
)
def test_make_run_says_that_no_redis_answers(tmp_path: Path, url: str) -> None:
    done = run(tmp_path, PROCESSES["make run"], REDIS_URL=url)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("No Redis answers at REDIS_URL (")
    assert "a-secret" not in done.stderr


@pytest.mark.parametrize("process", ["prepare", "make run"])
@pytest.mark.parametrize(
    "url", ["postgres://u:a-secret@127.0.0.1:1/d", "sqlite:////no/such/folder/db.sqlite3"]
)
def test_a_database_that_does_not_answer_is_a_sentence(tmp_path: Path, process: str, url: str) -> None:
    done = run(tmp_path, PROCESSES[process], DATABASE_URL=url)
    assert done.returncode == 1
    output = done.stdout + done.stderr
    assert "The database of DATABASE_URL cannot be used (" in output
    assert "Traceback" not in output
    assert "a-secret" not in output


@pytest.mark.parametrize("password", ["password123", "1234567890"])
def test_an_administrators_password_that_anybody_guesses_is_a_sentence(tmp_path: Path, password: str) -> None:
    done = run(tmp_path, PROCESSES["make run"], HEADNODE_ADMIN_PASSWORD=password)
    assert done.returncode == 1
    assert "HEADNODE_ADMIN_PASSWORD cannot be used: This password is too common." in done.stdout
    assert password not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_the_simulator_says_its_own_wrong_settings_at_once(tmp_path: Path) -> None:
    wrong = {
        "HEADNODE_SIMULATOR_VAR": str(tmp_path / "simulator"),
        "HEADNODE_SIMULATOR_SEED": "-1",
        "HEADNODE_SIMULATOR_SANDBOX": "moat",
        "HEADNODE_SIMULATOR_SEDE": "1",
    }
    done = run(tmp_path, ["-m", "jobs.simulator"], **wrong)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 3
    assert "Did you mean HEADNODE_SIMULATOR_SEED?" in done.stderr
    assert not (tmp_path / "simulator").exists()
