"""`logs -f` loses no line and repeats none, whatever the line does."""

import json
import random
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import pytest

from tests.cli.bad_line import BadLine
from tests.cli.installed import Installed
from tests.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.acceptance


@contextmanager
def bad_line(stack: Stack) -> Iterator[BadLine]:
    line = BadLine(urlsplit(stack.base_url).port or 0)
    try:
        yield line
    finally:
        line.close()


def _read_enough(line: BadLine, mark: int, follower: threading.Thread) -> bool:
    return line.bytes >= mark or not follower.is_alive()


LINES = 1500
PRINTS = f"for i in $(seq {LINES}); do echo line $i; [ $((i % 100)) = 0 ] && sleep 0.1; done; exit 3"


def test_byte_identical_over_ten_cuts_and_two_restarts(stack: Stack, signed_in: Installed) -> None:
    job = signed_in.good("submit", "--command", PRINTS, "--hours", "1").strip()
    dice = random.Random(5)
    with bad_line(stack) as line:
        url = f"http://127.0.0.1:{line.port}"
        token = next(iter(json.loads((signed_in.home / ".config/headnode/tokens.json").read_text()).values()))
        printed: list[subprocess.CompletedProcess[str]] = []

        def follow() -> None:
            printed.append(
                signed_in.run("logs", "-f", "--json", job, limit=300, HEADNODE_URL=url, HEADNODE_TOKEN=token)
            )

        follower = threading.Thread(target=follow)
        follower.start()
        for number in range(10):
            mark = line.bytes + dice.randint(1, 40_000)
            wait_for(partial(_read_enough, line, mark, follower), "more was read")
            line.cut()
            if number in (3, 7):
                stack.kill("web")
        follower.join(300)
    done = printed[0]
    assert done.returncode == 3, done.stderr
    events = [json.loads(text) for text in done.stdout.splitlines()]
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    whole = signed_in.good("logs", "--json", job).splitlines()
    assert done.stdout.splitlines() == whole[: len(events)]
    raw = signed_in.good("logs", "--raw", job)
    told = re.findall(r"^\[.*\]: (line \d+)$", raw, re.MULTILINE)
    assert told == [f"line {number}" for number in range(1, LINES + 1)]


def test_lines_are_chosen(signed_in: Installed) -> None:
    command = r"echo one; echo two; printf '\033[31mred\033[0m \033]0;title\007end\n'"
    job = signed_in.good("submit", "--command", command).strip()
    assert signed_in.run("logs", "-f", job).returncode == 0
    assert "\x1b" not in signed_in.good("logs", job)
    assert "red end" in signed_in.good("logs", job)
    assert "\x1b]0;title" in signed_in.good("logs", "--raw", job)
    chosen = signed_in.good("logs", "--grep", r"\btwo$", job).splitlines()
    assert len([line for line in chosen if line.endswith("two")]) == 1
    assert all(line.endswith("two") for line in chosen)
    assert signed_in.good("logs", "--since", "2099-01-01T00:00", job) == ""
    assert "two" in signed_in.good("logs", "--since", "1h", job)
    assert all(" head: " in line for line in signed_in.good("logs", "--node", "head", job).splitlines())
    assert signed_in.run("logs", "--grep", "(", job).returncode == 2
    assert signed_in.run("logs", "--since", "yesterday-ish", job).returncode == 2
