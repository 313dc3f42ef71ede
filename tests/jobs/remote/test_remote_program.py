"""The program that runs on the head node: the command runs once, whatever is killed."""

import base64
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.remote import command_runner, program
from jobs.remote.answer import new_marker, parse_answer
from jobs.remote.command_runner import PROGRAM_COMMAND, PROGRAM_SOURCE
from tests.waiting import LIMIT, wait_for

MARKER = new_marker()


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """One request to the program in a home of its own, as the SSH server would run it."""

    def ask(verb: str, **request: Any) -> dict[str, Any]:
        if "command" in request:
            request = {"steps": [step(request["command"], env=request.get("env", {}))]}
        body = json.dumps({"verb": verb, "source": PROGRAM_SOURCE, "marker": MARKER, **request})
        env = {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
        done = subprocess.run(
            ["/bin/sh", "-c", PROGRAM_COMMAND],
            input=body,
            capture_output=True,
            text=True,
            env=env,
            timeout=2 * LIMIT,
        )
        assert done.returncode == 0, done.stderr
        return parse_answer(done.stdout.encode(), MARKER)

    return ask


def step(command: str, analysis: int = 0, kind: str = "command", **more: Any) -> dict[str, Any]:
    return {"analysis": analysis, "kind": kind, "command": command, "before": "", "env": {}, **more}


def ended(call: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    answers: list[dict[str, Any]] = []

    def over() -> bool:
        answers.append(call("status"))
        return answers[-1]["state"] in ("ended", "lost")

    wait_for(over, "the command ends")
    return answers[-1]


def lines(answer: dict[str, Any]) -> list[str]:
    return base64.b64decode(answer["log"]).decode().splitlines()


def test_output_is_stamped_and_the_exit_code_told(
    call: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    assert call("status")["state"] == "none"
    assert call("start", command="echo hello; pwd; echo err >&2; exit 3", env={})["state"] == "started"
    answer = ended(call)
    assert answer["exit_code"] == 3
    logged = lines(answer)
    assert all(line.startswith("[20") and "Z]: " in line for line in logged)
    texts = [line.split("Z]: ", 1)[1] for line in logged]
    assert texts[0].startswith("Launching echo hello; pwd")
    assert texts[0].endswith("Process output follows:")
    assert texts[1:] == ["hello", str(tmp_path / "work/shared"), "err", "Exited with code 3"]
    assert answer["offset"] == answer["size"]


def test_asking_again_starts_nothing_again(call: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    command = "echo run >> count; sleep 0.3"
    for _ in range(5):
        call("start", command=command, env={})
    ended(call)
    call("start", command=command, env={})
    assert ended(call)["exit_code"] == 0
    assert (tmp_path / "work/shared/count").read_text() == "run\n"


def test_many_at_once_start_it_once(call: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    body = json.dumps(
        {
            "verb": "start",
            "source": PROGRAM_SOURCE,
            "marker": MARKER,
            "steps": [step("echo run >> count")],
        }
    ).encode()
    env = {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    callers = [
        subprocess.Popen(
            ["/bin/sh", "-c", PROGRAM_COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env
        )
        for _ in range(6)
    ]
    for caller in callers:
        caller.communicate(body, timeout=2 * LIMIT)
    ended(call)
    assert (tmp_path / "work/shared/count").read_text() == "run\n"


def test_a_killed_runner_is_lost_and_not_repeated(
    call: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    call("start", command="echo run >> count; sleep 600 & echo $! > sleeper; wait", env={})
    sleeper = tmp_path / "work/shared/sleeper"
    wait_for(lambda: sleeper.exists() and sleeper.read_text().strip(), "the command runs")
    os.kill(int((tmp_path / ".headnode/began").read_text()), signal.SIGKILL)
    try:
        assert ended(call)["state"] == "lost"
        call("start", command="echo run >> count", env={})
        assert ended(call)["state"] == "lost"
        assert (tmp_path / "work/shared/count").read_text() == "run\n"
    finally:
        os.kill(int(sleeper.read_text()), signal.SIGKILL)


def test_stop_ends_the_whole_group_and_says_why(call: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    call("start", command="echo up; sleep 60 & sleep 60", env={})
    wait_for(lambda: "up" in "".join(lines(call("status"))), "the command runs")
    call("stop", why="User terminated")
    call("stop", why="something else")
    answer = ended(call)
    assert answer["why"] == "User terminated"
    assert answer["exit_code"] == 128 + signal.SIGTERM


def test_the_environment_and_the_command_arrive_unchanged(call: Callable[..., dict[str, Any]]) -> None:
    value = "a b $(id) 'q' \"d\" 日本 \\"
    call("start", command="printf '%s\\n' \"$NASTY\"; echo '日本語 \"q\"'", env={"NASTY": value})
    texts = [line.split("Z]: ", 1)[1] for line in lines(ended(call))]
    assert texts[1:3] == [value, '日本語 "q"']


def test_the_log_is_read_in_whole_lines_from_an_offset(call: Callable[..., dict[str, Any]]) -> None:
    call("start", command="seq 1 20000", env={})
    ended(call)
    offset, seen = 0, []
    while True:
        answer = call("status", offset=offset)
        if answer["offset"] == offset:
            break
        seen += lines(answer)
        offset = answer["offset"]
    numbers = [line.split("Z]: ", 1)[1] for line in seen][1:-1]
    assert numbers == [str(n) for n in range(1, 20001)]


def test_a_command_that_leaves_something_behind_still_ends(
    call: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    call("start", command="sleep 600 & echo $! > left; echo done", env={})
    try:
        assert ended(call)["exit_code"] == 0
    finally:
        os.kill(int((tmp_path / "work/shared/left").read_text()), signal.SIGKILL)


def test_what_goes_on_writing_does_not_keep_the_command_running(call: Callable[..., dict[str, Any]]) -> None:
    call("start", command="setsid sh -c 'while echo x; do :; done' & exit 0", env={})
    assert ended(call)["exit_code"] == 0


def test_the_listing_names_files_and_what_it_left_out(
    call: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    call("prepare", files={})
    shared = tmp_path / "work/shared"
    (shared / "sub").mkdir()
    (shared / "sub/out.dat").write_text("12345")
    (shared / "rel").symlink_to("sub/out.dat")
    (shared / "abs").symlink_to(shared / "rel")
    (shared / "link").symlink_to("/etc/passwd")
    (shared / "up").symlink_to("../../../..")
    (shared / "folder").symlink_to("sub")
    (shared / "gone").symlink_to("nowhere")
    os.mkfifo(shared / "pipe")
    (Path(os.fsdecode(bytes(shared) + b"/\xff"))).write_text("x")
    answer = call("listing", limit=100)
    listed = command_runner.listing_of_answer(answer)
    assert {(file.path, file.size, file.target) for file in listed.files} == {
        (b"shared/sub/out.dat", 5, None),
        (b"shared/rel", 5, b"shared/sub/out.dat"),
        (b"shared/abs", 5, b"shared/sub/out.dat"),
        (b"shared/\xff", 1, None),
    }
    assert dict(listed.skipped) == {
        b"shared/link": "a link that leads out of the work directory",
        b"shared/up": "a link that leads out of the work directory",
        b"shared/folder": "a link to a folder; the files are stored where they are",
        b"shared/gone": "a link to something that is not there",
        b"shared/pipe": "not a regular file",
    }
    assert answer["more"] is False
    assert call("listing", limit=2)["more"] is True


class LogOnADiskThatFillsUp:
    """Takes a few bytes, then none for a while, then a few again."""

    def __init__(self) -> None:
        self.written, self.refused = b"", 0

    def write(self, data: bytes) -> int:
        if len(self.written) % 8 == 4 and self.refused < 2:
            self.refused += 1
            raise OSError(errno.ENOSPC, "No space left on device")
        self.written += data[:4]
        return min(4, len(data))


def test_a_full_disk_loses_no_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "RETRY_SECONDS", 0)
    log = LogOnADiskThatFillsUp()
    program.append(log, b"all of the output\n")  # type: ignore[no-untyped-call]  # it has no annotations
    assert (log.written, log.refused) == (b"all of the output\n", 2)


def test_other_troubles_of_the_disk_are_not_waited_for() -> None:
    def broken() -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        program.retry_while_full(broken)  # type: ignore[no-untyped-call]  # it has no annotations


class CommandThatEndsAfterALook:
    """Prints its last line and ends just after its pipe was looked at. Something that it started has the pipe open."""

    def __init__(self) -> None:
        reading, self.writing = os.pipe()
        self.stdout = os.fdopen(reading, "rb")
        self.polls = 0

    def poll(self) -> int | None:
        self.polls += 1
        if self.polls == 2:
            os.write(self.writing, b"the last line\n")
        return 0 if self.polls >= 2 else None

    def wait(self) -> int:
        return 0


def test_the_last_line_is_not_lost_whenever_the_command_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "STATE_DIRECTORY", str(tmp_path))
    command = CommandThatEndsAfterALook()
    with command.stdout, open(tmp_path / "log", "ab", buffering=0) as log:
        assert program.follow(command, log) == 0  # type: ignore[no-untyped-call]  # it has no annotations
        os.close(command.writing)
    assert (tmp_path / "log").read_text().endswith("the last line\n")


def test_steps_run_one_after_the_other_each_with_its_own(call: Callable[..., dict[str, Any]]) -> None:
    steps = [
        step("echo first $A", env={"A": "1"}, before="A=${A}0"),
        step("echo second $A$B", analysis=1, env={"B": "2"}),
    ]
    call("start", steps=steps)
    answer = ended(call)
    texts = [line.split("Z]: ", 1)[1] for line in lines(answer)]
    assert [text for text in texts if text.startswith(("first", "second"))] == ["first 10", "second 2"]
    assert (answer["exit_code"], answer["codes"]) == (0, [[0, 0], [1, 0]])


def test_after_a_failure_only_its_own_post_processing_runs(
    call: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    steps = [
        step("echo pre >> ran", kind="before"),
        step("echo main >> ran; exit 3"),
        step("echo post >> ran", kind="after"),
        step("echo next >> ran", analysis=1),
        step("echo next post >> ran", analysis=1, kind="after"),
    ]
    call("start", steps=steps)
    answer = ended(call)
    assert (tmp_path / "work/shared/ran").read_text().split() == ["pre", "main", "post"]
    assert (answer["exit_code"], answer["codes"]) == (3, [[0, 0], [0, 3], [0, 0]])


def test_after_failed_pre_processing_neither_command_nor_post_processing_run(
    call: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    steps = [step("exit 5", kind="before"), step("echo main >> ran"), step("echo post >> ran", kind="after")]
    call("start", steps=steps)
    answer = ended(call)
    assert not (tmp_path / "work/shared/ran").exists()
    assert (answer["exit_code"], answer["codes"]) == (5, [[0, 5]])


def test_a_stop_ends_the_steps_that_wait(call: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    call("start", steps=[step("echo here >> ran; sleep 60"), step("echo next >> ran", analysis=1)])
    wait_for((tmp_path / "work/shared/ran").exists, "the first runs")
    call("stop", why="User terminated")
    answer = ended(call)
    assert (answer["why"], len(answer["codes"])) == ("User terminated", 1)
    assert (tmp_path / "work/shared/ran").read_text() == "here\n"
