"""The supervisor restarts processes that die, with back-off, stops all of them, and leaves nothing behind."""

import asyncio
import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from portal.embedded.log import Log
from portal.embedded.supervisor import (
    FIRST_DELAY,
    HEALTHY_SECONDS,
    LONGEST_DELAY,
    Process,
    Supervisor,
    describe,
)
from tests.stack import alive
from tests.waiting import LIMIT

FOREVER = "import time; print('up', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


def python(name: str, code: str, **options: float) -> Process:
    return Process(name, [sys.executable, "-c", code], dict(os.environ), **options)  # type: ignore[arg-type]  # options by name


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with closing(Log(tmp_path / "logs" / "headnode.log", io.StringIO())) as found:
        yield found


@pytest.fixture
def supervisor(log: Log, tmp_path: Path) -> Supervisor:
    return Supervisor(log, tmp_path)


async def until(condition: Callable[[], object], limit: float = LIMIT) -> None:
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.01)


def said(supervisor: Supervisor) -> str:
    return supervisor.log.path.read_text()


async def test_it_reads_lines_and_says_who_wrote_them(supervisor: Supervisor) -> None:
    supervisor.start(python("talker", "import sys; print('one'); print('two', file=sys.stderr); " + FOREVER))
    await until(lambda: "talker    | one" in said(supervisor) and "talker    | two" in said(supervisor))
    await supervisor.stop()


async def test_what_dies_is_started_again_and_said(supervisor: Supervisor) -> None:
    process = python("mortal", FOREVER)
    supervisor.start(process)
    await until(lambda: said(supervisor).count("| up") == 1)
    first = process.pid
    assert first
    os.kill(first, signal.SIGKILL)
    await until(lambda: said(supervisor).count("| up") == 2)
    assert process.pid not in (None, first)
    assert "mortal was ended by SIGKILL; starting it again in 0.2 s" in said(supervisor)
    await supervisor.stop()


async def test_each_quick_death_waits_longer(supervisor: Supervisor) -> None:
    supervisor.start(python("broken", "raise SystemExit(3)"))
    async with asyncio.timeout(LIMIT):
        assert await supervisor.wait_for_starts(4) == "broken"
    await supervisor.stop()
    for delay in ("0.2", "0.4", "0.8"):
        assert f"broken ended with exit status 3; starting it again in {delay} s" in said(supervisor)


def test_the_delay_has_a_bound_and_forgets_after_a_good_run() -> None:
    process = python("any", "")
    delays = [process.next_delay(0.1) for _ in range(12)]
    assert delays[0] == FIRST_DELAY
    assert delays[-1] == LONGEST_DELAY
    assert process.next_delay(HEALTHY_SECONDS) == FIRST_DELAY


async def test_a_program_that_does_not_exist_is_said(supervisor: Supervisor) -> None:
    supervisor.start(Process("absent", ["/nonexistent/program"], {}))
    await until(lambda: "absent cannot be started" in said(supervisor))
    await supervisor.stop()


async def test_stop_ends_everything_also_what_ignores_term(supervisor: Supervisor) -> None:
    processes = [python("polite", FOREVER), python("deaf", DEAF, stop_seconds=0.3)]
    for process in processes:
        supervisor.start(process)
    await until(lambda: said(supervisor).count("| up") == 2)
    pids = [process.pid for process in processes if process.pid]
    assert len(pids) == 2
    began = time.monotonic()
    await supervisor.stop()
    assert time.monotonic() - began < 30
    assert not any(alive(pid) for pid in pids)
    assert "starting it again" not in said(supervisor)


async def test_the_one_named_last_ends_last(supervisor: Supervisor) -> None:
    slow = "import signal, sys, time; "
    slow += "signal.signal(15, lambda *_: (time.sleep(0.5), print('gone', flush=True), sys.exit())); "
    supervisor.start(python("first", slow + FOREVER))
    supervisor.start(python("last", slow + FOREVER))
    await until(lambda: said(supervisor).count("| up") == 2)
    await supervisor.stop(last="last")
    ends = [line.split("Z ")[1].split()[0] for line in said(supervisor).splitlines() if line.endswith("gone")]
    assert ends == ["first", "last"]


async def test_stop_while_waiting_for_the_next_start(supervisor: Supervisor) -> None:
    supervisor.start(python("broken", "raise SystemExit(3)"))
    await until(lambda: "starting it again in 0.8 s" in said(supervisor))
    async with asyncio.timeout(LIMIT):
        await supervisor.stop()


async def test_children_of_a_process_that_dies_go_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    code = f"import subprocess; p = subprocess.Popen(['sleep', '600']); open({str(note)!r}, 'w').write(str(p.pid)); "
    process = python("parent", code + FOREVER)
    supervisor.start(process)
    await until(lambda: "| up" in said(supervisor))
    grandchild = int(note.read_text())
    assert alive(grandchild)
    os.kill(process.pid or 0, signal.SIGKILL)
    await until(lambda: not alive(grandchild))
    await supervisor.stop()


async def test_another_environment_starts_it_again(supervisor: Supervisor) -> None:
    process = python("changing", "import os; print('colour', os.environ.get('COLOUR')); " + FOREVER)
    supervisor.start(process)
    await until(lambda: "| up" in said(supervisor))
    first = process.pid
    await supervisor.change("changing", dict(os.environ) | {"COLOUR": "red"})
    assert process.pid != first
    await until(lambda: "colour red" in said(supervisor))
    await supervisor.stop()


async def test_pids_json_says_what_runs(supervisor: Supervisor, tmp_path: Path) -> None:
    process = python("one", FOREVER)
    supervisor.start(process)
    await until(lambda: "| up" in said(supervisor))
    assert json.loads((tmp_path / "pids.json").read_text()) == {"supervisor": os.getpid(), "one": process.pid}
    await supervisor.stop()
    assert not (tmp_path / "pids.json").exists()


async def test_a_program_that_ends_by_itself_keeps_its_output_from_the_log(supervisor: Supervisor) -> None:
    lines: list[str] = []
    code = "import sys; print('password x'); print('note', file=sys.stderr); sys.exit(4)"
    assert await supervisor.run_once(python("once", code), on_output=lines.append) == 4
    assert lines == ["password x"]
    assert "password" not in said(supervisor)
    assert "once      | note" in said(supervisor)


async def test_nothing_survives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import asyncio, os, sys
from pathlib import Path
from portal.embedded.log import Log
from portal.embedded.supervisor import Process, Supervisor
async def main():
    supervisor = Supervisor(Log(Path({str(tmp_path)!r}) / "log"), Path({str(tmp_path)!r}))
    supervisor.start(Process("child", [sys.executable, "-c", {DEAF!r}], dict(os.environ)))
    await asyncio.Event().wait()
asyncio.run(main())
"""
    outer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert outer.stdout
    async with asyncio.timeout(LIMIT):
        assert b"up" in await outer.stdout.readline()
    child = json.loads((tmp_path / "pids.json").read_text())["child"]
    assert alive(child)
    outer.kill()
    await until(lambda: not alive(child))
    await outer.communicate()


def test_ends_are_described_in_words() -> None:
    assert describe(0) == "ended with exit status 0"
    assert describe(-9) == "was ended by SIGKILL"
    assert describe(-250) == "was ended by signal 250"
