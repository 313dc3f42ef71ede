"""What is written to a node: on a full disk, in a broken line, and when access ends in the middle."""

from collections.abc import Iterator
from typing import Any

import paramiko
import pytest
from paramiko.sftp import CMD_WRITE

from accounts.audit.trail import Actor
from accounts.models import AccessRule, User
from accounts.refusals import Refused
from jobs.files import folder_changes, job_folder
from jobs.files.job_folder import Request, live_folder
from jobs.models import JobInput
from jobs.remote.command_runner import Listing, RemoteFile
from jobs.storage import input_staging
from jobs.storage.output_plan import plan_outputs
from sshgateway.ssh.sftp import write_whole
from tests.jobs.files.conftest import Files, Run

needs_node = pytest.mark.django_db(transaction=True)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write is refused by the node's own server, as on a full disk."""
    ask = paramiko.SFTPClient._async_request  # type: ignore[attr-defined]

    def refused(self: Any, fileobj: Any, kind: int, *arguments: Any) -> Any:
        if kind == CMD_WRITE:
            arguments = (b"\0\0\0\x63", *arguments[1:])  # no such handle
        return ask(self, fileobj, kind, *arguments)

    monkeypatch.setattr(paramiko.SFTPClient, "_async_request", refused)


@needs_node
@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize("size", [1, 300_000])
def test_a_file_that_did_not_fit_replaces_nothing(run: Run, files: Files, size: int) -> None:
    (run.work / "result").write_text("of three days")
    answer = files.ask("PUT", "tree/content", b"x" * size, path="result")
    assert (answer.status_code, answer.json()["reason"]) == (409, "node_failed")
    assert (run.work / "result").read_text() == "of three days"
    assert sorted(each.name for each in run.work.iterdir()) == ["process_output.log", "result", "shared"]


@needs_node
@pytest.mark.usefixtures("full_disk")
def test_an_input_that_did_not_fit_is_not_taken_for_whole(run: Run, alice: User) -> None:
    file = run.store(b"mesh.dat", b"x" * 1000)
    JobInput.objects.create(job=run.job, file=file)
    asked = Request(Actor(alice, "127.0.0.1", "api"), run.job)
    with live_folder(asked) as folder, pytest.raises(OSError, match=r".+"):
        input_staging.stage_inputs(run.job, folder._sftp, lambda: None)
    assert not (run.work / "shared/mesh.dat").exists()


@pytest.mark.parametrize("chunks", [[], [b""], [b"a"], [b"a", b"", b"bc"], [b"", b"abc", b""]])
def test_all_chunks_are_written_once_and_the_last_is_waited_for(chunks: list[bytes]) -> None:
    written: list[tuple[bytes, bool]] = []

    class Target:
        pipelined = False

        def set_pipelined(self, pipelined: bool) -> None:
            self.pipelined = pipelined

        def write(self, data: bytes) -> None:
            written.append((data, self.pipelined))

    assert write_whole(Target(), chunks) == len(b"".join(chunks))  # type: ignore[arg-type]
    assert b"".join(data for data, _ in written) == b"".join(chunks)
    assert [pipelined for _, pipelined in written[-1:]] in ([], [False])


@needs_node
def test_access_that_is_withdrawn_ends_an_upload_to_the_node(
    run: Run, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_folder, "CHECK_SECONDS", 0.0)

    def chunks() -> Iterator[bytes]:
        yield b"x"
        AccessRule.objects.all().delete()
        yield b"x"

    asked = Request(Actor(alice, "127.0.0.1", "api"), run.job)
    with pytest.raises(Refused, match="no access rule"):
        folder_changes.write_file(asked, b"late", chunks())
    assert sorted(each.name for each in run.work.iterdir()) == ["process_output.log", "shared"]


def test_what_broke_off_on_its_way_to_the_node_is_no_output() -> None:
    part = RemoteFile(b"shared/.headnode-0123456789abcdef.part", 5, 0)
    plan = plan_outputs(Listing([part], [], more=False), b"/work", 10**9, lambda file, inside: False, {})
    assert plan.fetch == []
    assert [reason for _, reason in plan.skipped] == [
        "it is a part of a file whose upload to the node broke off"
    ]
