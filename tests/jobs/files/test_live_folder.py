"""Files of a run's folder over a real OpenSSH server: list, read, write, rename, delete, and what is refused."""

import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from accounts.models import AuditEvent
from tests.jobs.files.conftest import Files, Run
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
ODD = [
    b"-rf",
    b"new\nline",
    b"caf\xe9",
    "ä ü\u200d\u3000".encode(),
    b"100%41",
    b"a&b'c\"d\\e",
    b"x" * 255,
    b" blank ",
    b"\x1b[31m",
]


def test_a_folder_with_kinds_sizes_and_times(run: Run, files: Files) -> None:
    os.utime(run.work / "process_output.log", (1_700_000_000, 1_700_000_000))
    (run.work / "link").symlink_to("shared")
    os.mkfifo(run.work / "pipe")
    answer = files.ask("GET", "tree").json()
    assert (answer["path"], answer["complete"], answer["place"]) == ("", True, "node")
    rows = {row["name"]: row for row in answer["entries"]}
    assert rows["process_output.log"] == {
        "name": "process_output.log",
        "path": "process_output.log",
        "kind": "file",
        "size": 6,
        "modifiedAt": "2023-11-14T22:13:20Z",
        "target": None,
    }
    assert {name: row["kind"] for name, row in rows.items()} == {
        "process_output.log": "file",
        "shared": "folder",
        "link": "link",
        "pipe": "other",
    }
    assert rows["link"]["target"] == "shared"
    (run.work / "shared/a").write_text("x")
    assert files.names("link") == ["a"]


def test_every_name_is_listed_read_written_renamed_and_deleted(run: Run, files: Files) -> None:
    shared = os.fsencode(run.work / "shared")
    for raw in ODD:
        with open(os.path.join(shared, raw), "wb") as file:
            file.write(raw)
    listed = files.ask("GET", "tree", path="shared").json()["entries"]
    assert len(listed) == len(ODD)
    for entry in listed:
        raw = files.read(entry["path"])
        assert raw in ODD
        assert files.ask("PUT", "tree/content", b"new", path=entry["path"]).status_code == 200
        with open(os.path.join(shared, raw), "rb") as file:
            assert file.read() == b"new"
        body = '{"newPath": "shared/moved"}'
        assert files.ask("PATCH", "tree/content", body, path=entry["path"]).status_code == 200
        assert files.ask("DELETE", "tree/content", path="shared/moved").status_code == 204
    assert os.listdir(shared) == []


def test_a_part_of_a_file_and_its_tag(run: Run, files: Files) -> None:
    content = os.urandom(3_000_000)
    (run.work / "big").write_bytes(content)
    whole = files.ask("GET", "tree/content", path="big")
    assert b"".join(whole.streaming_content) == content
    assert whole["Content-Disposition"] == 'attachment; filename="big"'
    assert whole["X-Content-Type-Options"] == "nosniff"
    assert whole["Content-Security-Policy"].startswith("sandbox")
    part = files.ask("GET", "tree/content", path="big", headers={"Range": "bytes=1000-1200999"})
    assert (part.status_code, part["Content-Range"]) == (206, "bytes 1000-1200999/3000000")
    assert b"".join(part.streaming_content) == content[1000:1_201_000]
    end = files.ask("GET", "tree/content", path="big", headers={"Range": "bytes=-5"})
    assert b"".join(end.streaming_content) == content[-5:]
    assert (
        files.ask("GET", "tree/content", path="big", headers={"Range": "bytes=3000000-"}).status_code == 416
    )
    assert (
        files.ask("GET", "tree/content", path="big", headers={"If-None-Match": whole["ETag"]}).status_code
        == 304
    )


def test_head_says_what_there_is_and_reads_nothing(run: Run, files: Files) -> None:
    (run.work / "big").write_bytes(bytes(3_000_000))
    answer = files.ask("HEAD", "tree/content", path="big")
    assert (answer.status_code, answer["Content-Length"]) == (200, "3000000")
    assert b"".join(answer.streaming_content) == b""


def test_html_is_never_shown(run: Run, files: Files) -> None:
    (run.work / "x.html").write_text("<script>alert(1)</script>")
    answer = files.ask("GET", "tree/content", path="x.html")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    list(answer.streaming_content)


def test_an_edit_replaces_only_the_version_it_began_with(run: Run, files: Files) -> None:
    path = run.work / "run.sh"
    path.write_text("one")
    path.chmod(0o755)
    tag = files.ask("GET", "tree/content", path="run.sh")["ETag"]
    saved = files.ask("PUT", "tree/content", b"second", path="run.sh", headers={"If-Match": tag})
    assert saved.status_code == 200
    assert path.read_text() == "second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    late = files.ask("PUT", "tree/content", b"third", path="run.sh", headers={"If-Match": tag})
    assert (late.status_code, late.json()["reason"]) == (412, "file_changed")
    taken = files.ask("PUT", "tree/content", b"x", path="run.sh", headers={"If-None-Match": "*"})
    assert (taken.status_code, taken.json()["reason"]) == (409, "path_exists")
    assert path.read_text() == "second"
    assert sorted(os.listdir(run.work)) == ["process_output.log", "run.sh", "shared"]


def test_folders_are_made_and_deleted(run: Run, files: Files) -> None:
    assert files.ask("POST", "tree", '{"path": "shared/new"}').status_code == 201
    assert files.ask("POST", "tree", '{"path": "shared/new"}').json()["reason"] == "path_exists"
    (run.work / "shared/new/deep").mkdir()
    (run.work / "shared/new/deep/x").write_text("x")
    (run.work / "shared/new/out").symlink_to(run.work / "process_output.log")
    refused = files.ask("DELETE", "tree/content", path="shared/new")
    assert (refused.status_code, refused.json()["reason"]) == (409, "folder_not_empty")
    assert files.ask("DELETE", "tree/content", path="shared/new", recursive="true").status_code == 204
    assert files.names() == ["process_output.log", "shared"]
    assert files.names("shared") == []


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "%2E%2E/x", "shared//x"])
def test_no_path_leads_out(run: Run, files: Files, verb: str, path: str) -> None:
    (run.work.parent / "x").write_text("secret")
    answer = files.ask(verb, "tree/content", '{"newPath": "y"}', path=path)
    assert (answer.status_code, answer.json()["reason"]) == (400, "path_invalid")
    assert files.ask("GET", "tree", path=path).status_code == 400
    assert files.ask("GET", "archive", path=path).status_code == 400
    assert files.ask("POST", "tree", f'{{"path": "{path}"}}').status_code == 400
    assert (
        files.ask("PATCH", "tree/content", f'{{"newPath": "{path}"}}', path="process_output.log").status_code
        == 400
    )
    assert (run.work.parent / "x").read_text() == "secret"


def test_links_out_of_the_folder_are_not_followed(run: Run, files: Files, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (run.work / "file").symlink_to(outside / "secret")
    (run.work / "folder").symlink_to(outside)
    for path in ("file", "folder/secret"):
        assert files.ask("GET", "tree/content", path=path).json()["reason"] == "path_outside"
    assert files.ask("GET", "tree", path="folder").json()["reason"] == "path_outside"
    for verb in ("PUT", "DELETE"):
        assert files.ask(verb, "tree/content", b"x", path="folder/secret").json()["reason"] == "path_outside"
    assert files.ask("POST", "tree", '{"path": "folder/new"}').json()["reason"] == "path_outside"
    moved = files.ask("PATCH", "tree/content", '{"newPath": "folder/y"}', path="process_output.log")
    assert moved.json()["reason"] == "path_outside"
    # A link is replaced and deleted, never what it leads to.
    assert files.ask("PUT", "tree/content", b"mine", path="file").status_code == 200
    assert files.ask("DELETE", "tree/content", path="folder", recursive="true").status_code == 204
    assert (outside / "secret").read_text() == "secret"
    assert not (run.work / "file").is_symlink()


def test_a_link_swapped_in_while_a_file_is_read_shows_nothing_else(
    run: Run, files: Files, tmp_path: Path
) -> None:
    secret, real, way = tmp_path / "secret", run.work / "real", run.work / "way"
    secret.write_text("SECRET")
    real.mkdir()
    (real / "x").write_text("harmless")
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "x").symlink_to(secret)
    way.symlink_to(real)
    stop = threading.Event()

    def swap() -> None:
        at = 0
        while not stop.is_set():
            at += 1
            new = run.work / f"new{at % 2}"
            new.unlink(missing_ok=True)
            new.symlink_to(bad if at % 2 else real)
            os.replace(new, way)

    swapper = threading.Thread(target=swap, daemon=True)
    swapper.start()
    seen: set[str] = set()
    try:
        for _ in range(150):
            answer = files.ask("GET", "tree/content", path="way/x")
            if answer.status_code == 200:
                assert b"".join(answer.streaming_content) == b"harmless"
            else:
                seen.add(answer.json()["reason"])
    finally:
        stop.set()
        swapper.join()
    assert seen <= {"path_outside", "file_replaced", "path_not_found", "not_a_file"}
    assert seen


def test_devices_and_pipes_are_not_read(run: Run, files: Files) -> None:
    os.mkfifo(run.work / "pipe")
    answer = files.ask("GET", "tree/content", path="pipe")
    assert (answer.status_code, answer.json()["reason"]) == (409, "not_a_file")
    assert "device, pipe or socket" in answer.json()["detail"]
    assert files.ask("GET", "tree/content", path="shared").json()["reason"] == "not_a_file"
    assert files.ask("GET", "tree", path="process_output.log").json()["reason"] == "not_a_folder"
    assert files.ask("GET", "tree", path="none").status_code == 404


def test_the_end_of_a_sparse_terabyte(run: Run, files: Files) -> None:
    with (run.work / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    answer = files.ask("GET", "tree/content", path="sparse", headers={"Range": "bytes=-10"})
    assert b"".join(answer.streaming_content) == bytes(10)
    answer = files.ask("GET", "archive", path="sparse")
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_many_files")


def test_more_entries_than_a_listing_has(run: Run, files: Files) -> None:
    many = run.work / "many"
    many.mkdir()
    for at in range(20_050):
        (many / f"f{at}").touch()
    answer = files.ask("GET", "tree", path="many").json()
    assert (len(answer["entries"]), answer["complete"]) == (20_000, False)
    shutil.rmtree(many)


def test_a_node_that_is_gone_is_a_sentence(run: Run, files: Files) -> None:
    run.node.stop()
    wait_for(lambda: run.node.process.poll() is not None, "sshd ends")
    answer = files.ask("GET", "tree")
    assert (answer.status_code, answer.json()["reason"]) == (503, "node_unreachable")


def test_every_act_is_told_in_the_audit_trail(run: Run, files: Files) -> None:
    files.ask("PUT", "tree/content", b"x", path="a")
    files.read("a")
    files.ask("PATCH", "tree/content", '{"newPath": "b"}', path="a")
    files.ask("POST", "tree", '{"path": "c"}')
    files.ask("DELETE", "tree/content", path="b")
    list(files.ask("GET", "archive").streaming_content)
    events = AuditEvent.objects.filter(action__startswith="jobs:run_").order_by("id")
    assert [event.action.removeprefix("jobs:run_") for event in events] == [
        "file:written",
        "file:read",
        "file:renamed",
        "folder:made",
        "file:deleted",
        "file:read",
    ]
    assert {(event.object_id, event.source_address) for event in events} == {(run.job.pk, "127.0.0.1")}
    assert events[0].after["path"] == "a"
