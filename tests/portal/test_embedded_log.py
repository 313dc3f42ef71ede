"""The log: prefixes, bounded, private, without control characters that would affect the operator's terminal."""

import io
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.embedded import log as log_module
from portal.embedded.log import Log

MakeLog = Callable[..., Log]


@pytest.fixture
def make_log(tmp_path: Path) -> Iterator[MakeLog]:
    made = []

    def make(terminal: io.StringIO | None = None) -> Log:
        made.append(Log(tmp_path / "logs" / "headnode.log", terminal or io.StringIO()))
        return made[-1]

    yield make
    for log in made:
        log.close()


def test_lines_carry_the_name_of_their_process(make_log: MakeLog) -> None:
    terminal = io.StringIO()
    log = make_log(terminal)
    log.line("web", "hello\n")
    assert terminal.getvalue() == "web       | hello\n"
    assert log.path.read_text().endswith("Z web       | hello\n")


def test_the_file_is_for_its_owner_only(make_log: MakeLog) -> None:
    log = make_log()
    log.line("web", "hello")
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.path.parent.stat().st_mode) == 0o700


def test_the_file_does_not_grow_without_bound(make_log: MakeLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "LIMIT_BYTES", 2000)
    log = make_log()
    for number in range(500):
        log.line("web", f"line {number}")
    files = sorted(log.path.parent.iterdir())
    assert len(files) == 1 + log_module.KEEP
    assert all(file.stat().st_size <= 2000 for file in files)
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert "line 499" in log.path.read_text()


def test_control_characters_are_dropped(make_log: MakeLog) -> None:
    terminal = io.StringIO()
    make_log(terminal).line("worker", "a\x1b]0;evil\x07b\x9b31mc\td\x00")
    assert terminal.getvalue() == "worker    | a]0;evilb31mc\td\n"


def test_colour_only_on_a_terminal(make_log: MakeLog) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    log = make_log(screen)
    log.line("web", "hello")
    assert screen.getvalue() == "\x1b[32mweb       |\x1b[0m hello\n"
    assert "\x1b" not in log.path.read_text()


def test_a_reader_who_went_away_does_not_stop_it(make_log: MakeLog) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    log = make_log(Broken())
    log.line("web", "one")
    log.line("web", "two")
    assert log.path.read_text().count("| ") == 2
