"""A zip of a job's files, read by unzip: every name and byte, from a node and from storage."""

import io
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from jobs.files.zip_stream import Member, zip_stream
from jobs.remote import folder_refusals
from jobs.states import Observed
from tests.jobs.files.conftest import Files, Run

pytestmark = pytest.mark.django_db(transaction=True)
ODD = [b"-rf", b"new\nline", b"caf\xe9", "ä\u200d".encode(), b"100%41", b"back\\slash", b"x" * 255]


def saved(files: Files, to: Path, **query: Any) -> Path:
    """Download a zip."""
    answer = files.ask("GET", "archive", **query)
    assert answer.status_code == 200, answer.content
    path = to / "out.zip"
    path.write_bytes(b"".join(answer.streaming_content))
    return path


def raw_names(path: Path) -> list[bytes]:
    """Return the names in a zip as they are."""
    with zipfile.ZipFile(path) as archive:
        return [
            info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
            for info in archive.infolist()
        ]


def test_5000_files_open_with_unzip(run: Run, files: Files, tmp_path: Path) -> None:
    many = run.work / "shared/many"
    many.mkdir()
    for at in range(5000):
        (many / f"file {at}").write_bytes(b"%d" % at)
    path = saved(files, tmp_path, path="shared/many")
    done = subprocess.run(["unzip", "-t", path], capture_output=True)
    assert done.returncode == 0, done.stdout[-500:]
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 5001
        assert archive.read("many/file 4321") == b"4321"


@pytest.mark.parametrize("state", [Observed.EXECUTING, Observed.RELEASED])
def test_names_are_kept_byte_for_byte(run: Run, files: Files, tmp_path: Path, state: Observed) -> None:
    for raw in ODD:
        (Path(os.fsdecode(os.fsencode(run.work / "shared") + b"/" + raw))).write_bytes(raw)
        run.store(b"shared/" + raw, raw)
    run.move_to(state)
    path = saved(files, tmp_path, path="shared")
    assert set(raw_names(path)) - {b"shared/"} == {b"shared/" + raw for raw in ODD}
    out = tmp_path / "out"
    done = subprocess.run(["unzip", "-q", "-o", path, "-d", out], capture_output=True)
    assert done.returncode == 0, done
    assert subprocess.run(["unzip", "-tq", path]).returncode == 0


def test_chosen_files_only_and_names_below_their_common_folder(
    run: Run, files: Files, tmp_path: Path
) -> None:
    (run.work / "shared/a").mkdir()
    (run.work / "shared/a/empty").mkdir()
    (run.work / "shared/a/x").write_text("x")
    (run.work / "shared/b").write_text("b")
    (run.work / "shared/c").write_text("c")
    path = saved(files, tmp_path, path=["shared/a", "shared/b", "shared/a/x"])
    assert sorted(raw_names(path)) == [b"a/", b"a/empty/", b"a/x", b"b"]
    with zipfile.ZipFile(saved(files, tmp_path)) as archive:
        assert {"process_output.log", "shared/c"} <= set(archive.namelist())


def test_links_out_devices_and_pipes_are_left_out(run: Run, files: Files, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    (run.work / "out").symlink_to(secret)
    (run.work / "in").symlink_to("process_output.log")
    (run.work / "loop").symlink_to(".")
    os.mkfifo(run.work / "pipe")
    path = saved(files, tmp_path)
    assert sorted(raw_names(path)) == [b"in", b"process_output.log", b"shared/"]
    assert b"SECRET" not in path.read_bytes()


def test_times_are_kept(run: Run, files: Files, tmp_path: Path) -> None:
    os.utime(run.work / "process_output.log", (1_700_000_000, 1_700_000_000))
    with zipfile.ZipFile(saved(files, tmp_path, path="process_output.log")) as archive:
        assert archive.infolist()[0].date_time == (2023, 11, 14, 22, 13, 20)


def test_a_zip_is_made_as_it_is_read() -> None:
    """A file of a terabyte begins to come at once, a little at a time."""

    def endless() -> "object":
        while True:
            yield os.urandom(100_000)

    chunks = zip_stream([Member(b"big", 1 << 40, None, endless())])  # type: ignore[arg-type]  # an iterator
    assert sum(len(next(chunks)) for _ in range(20)) < 4_000_000


def test_what_cannot_be_opened_is_named_in_the_comment(run: Run, files: Files) -> None:
    def refuse(_: int) -> bytes:
        raise folder_refusals.not_found()

    data = b"".join(
        zip_stream([Member(b"gone", 1, None, map(refuse, [0])), Member(b"there", 1, None, iter([b"x"]))])
    )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["there"]
        assert archive.comment.startswith(b"gone: ")
