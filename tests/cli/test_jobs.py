"""Submitting, listing, following, extending, terminating: with the real portal, and nothing but the command line."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.installed import Installed, OnTerminal
from tests.stack import ROOT, Stack
from tests.waiting import LIMIT

pytestmark = pytest.mark.acceptance
JOB_ID = re.compile(r"[A-Za-z]{5,6}")


def test_run_ends_with_the_jobs_status_and_fetches_what_it_left(signed_in: Installed) -> None:
    (signed_in.home / "mesh").mkdir()
    (signed_in.home / "mesh" / "wing & flap.dat").write_text("1 2 3\n")
    (signed_in.home / "solve.sh").write_text(
        "#!/bin/bash\r\n#HEADNODE --name 'Wing, coarse' --slots 1 --env COLOUR=red --input mesh\r\n"
        'echo "$COLOUR drag"\r\ncat mesh/*.dat > out.txt\r\nmkdir -p deep\r\necho x > deep/x.vtk\r\nexit 7\r\n'
    )
    done = signed_in.run(
        "run", "solve.sh", "--hours", "1", "--raw", "--fetch", "*.txt", "--fetch", "x.vtk", "--to", "got"
    )
    assert done.returncode == 7, done.stderr
    assert "red drag" in done.stdout
    [fetched] = signed_in.home.glob("got/**/out.txt")
    assert fetched.read_text() == "1 2 3\n"
    assert list(signed_in.home.glob("got/**/x.vtk"))
    assert not list(signed_in.home.glob("got/**/*.part"))

    shown = signed_in.good("show", "@last")
    assert "Wing, coarse" in shown
    assert re.search(r"Exit code +7", shown)
    job = json.loads(signed_in.good("show", "@last", "--json"))
    assert job["exitCode"] == 7
    assert job["jobanalyses"][0]["envVars"] == {"COLOUR": "red"}
    assert signed_in.run("logs", "-f", job["id"]).returncode == 7
    assert signed_in.run("logs", job["id"]).returncode == 0

    # Names that are no text, or that a form would change, arrive byte for byte.
    name = b'a"b\\c %22 \xff.dat'
    (signed_in.home / os.fsdecode(name)).write_text("x")
    odd = subprocess.run(
        [os.fsencode(signed_in.program), b"run", b"--command", b'for f in *.dat; do cp "$f" "copied-$f"; done',
         b"--input", name, b"--fetch", b"*", b"--to", b"odd"],
        env=signed_in.env, cwd=signed_in.home, capture_output=True, text=True, timeout=4 * LIMIT,
    )  # fmt: skip
    assert odd.returncode == 0, odd.stderr
    assert b"copied-" + name in {os.fsencode(path.name) for path in (signed_in.home / "odd").rglob("*")}

    # What is stored already is not sent again.
    sent = [
        signed_in.good("submit", "--command", "true", "--input", "mesh/wing & flap.dat").strip() for _ in "12"
    ]
    jobs = [json.loads(signed_in.good("show", job, "--json")) for job in sent]
    first, second = (job["jobanalyses"][0]["inputFiles"] for job in jobs)
    assert first[0]["id"] == second[0]["id"]


def test_a_job_from_list_to_terminate(
    signed_in: Installed, on_terminal: Callable[[OnTerminal], OnTerminal]
) -> None:
    job = signed_in.good(
        "submit", "--command", "echo begun; sleep 600", "--name", "Rumpf \N{AIRPLANE} long", "--hours", "1"
    ).strip()
    assert JOB_ID.fullmatch(job)
    logs = on_terminal(signed_in.begin("logs", "-f", "@last"))
    logs.wait_text("Instance ready for ssh access")
    logs.wait_text("begun")

    table = signed_in.good("list")
    row = next(line for line in table.splitlines() if line.startswith(job))
    assert "Rumpf \N{AIRPLANE} long" in row
    assert "Executing" in row
    handle = row.split()[1]
    assert handle.startswith("cluster-")
    assert signed_in.good("show", handle, "--quiet").strip() == job
    assert job in signed_in.good("list", "--active", "--quiet").split()
    assert json.loads(signed_in.good("list", "--json", "--limit", "1"))[0]["id"] == job
    narrow = on_terminal(signed_in.begin("list", COLUMNS="40"))
    assert narrow.end() == 0
    assert "\x1b[1m" in narrow.text
    plain = on_terminal(signed_in.begin("list", NO_COLOR="1"))
    assert plain.end() == 0
    assert "\x1b" not in plain.text

    before = json.loads(signed_in.good("show", job, "--json"))["deadline"]
    answer = json.loads(signed_in.good("extend", handle, "+1h", "--json"))
    assert answer["deadline"] > before
    refused = signed_in.run("extend", job, "+999d")
    assert refused.returncode == 5
    assert "Traceback" not in refused.stderr
    assert signed_in.run("extend", job, "soon").returncode == 2

    assert signed_in.good("open", job, "--print").endswith(f"/jobs/{job}/\n")
    signed_in.good("terminate", handle)
    signed_in.good("terminate", handle)
    assert logs.end() == 143


def test_a_clone_is_a_job_of_its_own(
    signed_in: Installed, on_terminal: Callable[[OnTerminal], OnTerminal]
) -> None:
    job = signed_in.good("submit", "--command", "exit 3", "--name", "again", "--hours", "1").strip()
    copy = json.loads(signed_in.good("clone", job, "--json"))
    assert (copy["clonedFrom"], copy["name"]) == (job, "Copy of again")
    assert copy["jobanalyses"][0]["command"] == "exit 3"
    assert re.search(r"Status +Saved", signed_in.good("show", copy["id"]))
    assert signed_in.good("show", "@last", "--quiet").strip() == job  # the job submitted last is another

    submitted = signed_in.good("clone", "@last", "--submit").strip()
    assert JOB_ID.fullmatch(submitted)
    assert submitted not in (job, copy["id"])
    assert signed_in.run("logs", "-f", "@last").returncode == 3
    assert json.loads(signed_in.good("show", "@last", "--json"))["id"] == submitted

    told = on_terminal(signed_in.begin("clone", job))
    assert told.end() == 0
    assert re.search(r"Saved \w+\. Submit it on its page: http://\S+/jobs/\w+/", told.shown)
    assert signed_in.run("clone", "AbCdEf").returncode == 4
    assert signed_in.run("clone").returncode == 2


def test_a_cluster_definition_is_launched(signed_in: Installed) -> None:
    shutil.copy(ROOT / "docs/samples/one-head.toml", signed_in.home / "one-head.toml")
    job = signed_in.good("submit", "one-head.toml").strip()
    assert JOB_ID.fullmatch(job)
    refused = signed_in.run("clone", job)
    assert refused.returncode == 5
    assert "definition" in refused.stderr
    signed_in.good("terminate", job)
    (signed_in.home / "bad.toml").write_text('name = "x"\nhours = "many"\n')
    refused = signed_in.run("submit", "bad.toml")
    assert refused.returncode == 5
    assert "line 2" in refused.stderr


def test_what_is_not_there_is_4_and_refused_input_names_its_field(signed_in: Installed) -> None:
    for arguments in (
        ["show", "AbCdEf"],
        ["show", "cluster-999"],
        ["logs", "no such"],
        ["terminate", "AbCdEf"],
    ):
        assert signed_in.run(*arguments).returncode == 4, arguments
    assert signed_in.run("logs", "-f", "AbCdEf").returncode == 125
    done = signed_in.run("submit", "--command", "true", "--cores", "7")
    assert done.returncode == 5
    assert "coresPerSlot" in done.stderr
    for wrong in (["--core-type", "none"], ["--env", "1A=x"], ["--env", "A"], []):
        command = ["--command", "true"] if wrong else []
        assert signed_in.run("submit", *command, *wrong).returncode == 2, wrong
    assert signed_in.run("submit", "no-such-file").returncode == 1
    assert signed_in.run("submit", "--command", "true", "--input", "no-such-file").returncode == 1


@pytest.mark.parametrize(("answer", "status"), [("d", 0), ("t", 143)])
def test_ctrl_c_in_run_asks(
    signed_in: Installed, on_terminal: Callable[[OnTerminal], OnTerminal], answer: str, status: int
) -> None:
    run = on_terminal(
        signed_in.begin("run", "--command", "while true; do echo tick; sleep 0.5; done", "--hours", "1")
    )
    run.wait_text(": tick")
    run.type("\x03")
    run.wait_text(r"\[t\]erminate")
    run.type("c\n")
    run.wait_text(r"(?s)\[t\]erminate.*: tick")
    run.type("\x03")
    run.wait_text(r"(?s)\[t\]erminate.*\[t\]erminate")
    run.type(f"{answer}\n")
    assert run.end() == status
    job = json.loads(signed_in.good("show", "@last", "--json"))
    assert (job["outcome"] == "terminated") is (answer == "t")
    signed_in.good("terminate", "@last")


def test_keys(signed_in: Installed, make_key: Callable[..., Path]) -> None:
    key = make_key("ed25519", comment="me@desk")
    assert signed_in.run("keys", "add").returncode == 4  # none in ~/.ssh
    ssh = signed_in.home / ".ssh"
    ssh.mkdir()
    shutil.copy(f"{key}.pub", ssh / "id_ed25519.pub")
    assert "me@desk" in signed_in.good("keys", "add")
    again = signed_in.run("keys", "add", str(key))  # the private one's path: its public half is meant
    assert again.returncode == 5
    assert "PRIVATE" not in again.stdout + again.stderr
    shutil.copy(key, ssh / "alone")
    (ssh / "alone.pub").write_bytes(key.read_bytes())
    refused = signed_in.run("keys", "add", str(ssh / "alone.pub"))
    assert refused.returncode == 1
    row = json.loads(signed_in.good("keys", "list", "--json"))[-1]
    assert row["fingerprint"] in signed_in.good("keys", "list")
    signed_in.good("keys", "remove", row["fingerprint"])
    assert signed_in.run("keys", "remove", "me@desk").returncode == 4


def test_another_persons_job_is_not_there(
    stack: Stack, signed_in: Installed, person: Callable[..., Installed]
) -> None:
    job = signed_in.good("submit", "--command", "sleep 600").strip()
    stack.manage(
        "shell", "-c", "from accounts.models import User; User.objects.get_or_create(username='charlie')"
    )
    code = (
        "from accounts.models import User; from accounts.services import create_api_token; "
        "from accounts.audit.trail import SYSTEM; "
        "print('TOKEN', create_api_token(SYSTEM, User.objects.get(username='charlie'), 'x')[1])"
    )
    token = stack.manage("shell", "-c", code).rpartition("TOKEN ")[2].strip()
    charlie = person("charlie")
    charlie.good("login", stack.base_url, "--with-token", given=token)
    for arguments in (["show"], ["logs"], ["files"], ["terminate"], ["clone"], ["extend", "+1h"]):
        command, *rest = arguments
        assert charlie.run(command, job, *rest).returncode == 4, command
    signed_in.good("terminate", job)
