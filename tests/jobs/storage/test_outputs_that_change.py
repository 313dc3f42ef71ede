"""Output files that change while they are fetched, and claims that are lost meanwhile; over a real SFTP server."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from pytest_django import Settings

from accounts.models import User
from jobs.models import Job, StoredFile
from jobs.models.claims import ClaimLost
from jobs.remote.command_runner import Listing, RemoteFile
from jobs.storage import output_plan
from jobs.storage.output_collection import Collection, Progress, Stream, collect_outputs
from sshgateway.certificates.credentials import issue_credential
from sshgateway.ssh import transport
from tests.jobs.making import saved_job
from tests.sshgateway import sshd

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = os.urandom(100_000)


@pytest.fixture
def node(transactional_db: None, tmp_path: Path) -> Iterator[sshd.Node]:
    """A real SSH server."""
    node = sshd.start(tmp_path / "node")
    yield node
    node.stop()


@contextmanager
def connected(node: sshd.Node) -> Iterator[transport.SFTP]:
    """A connection to its SFTP server."""
    target = node.target()
    credential = issue_credential(target.principal, for_whom="a test")
    with transport.connect(target, credential=credential) as connection, connection.sftp() as client:
        yield client


@pytest.fixture
def sftp(node: sshd.Node) -> Iterator[transport.SFTP]:
    """One for the whole test."""
    with connected(node) as client:
        yield client


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Path:
    """The job's work directory on the node. Storage is empty."""
    folder = tmp_path / "work"
    folder.mkdir()
    settings.MEDIA_ROOT = str(tmp_path / "storage")
    monkeypatch.setattr(Job, "work_directory", str(folder))
    return folder


@pytest.fixture
def job(alice: User) -> Job:
    return saved_job(alice)


def stored_bytes() -> list[bytes]:
    """Return the content of every file in storage, with or without a row."""
    root = Path(default_storage.path(""))
    return [path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()]


def listed(path: Path, size: int | None = None, modified: int | None = None) -> Listing:
    """Return a listing as the node announced it: with this size and time, whatever is there by now."""
    found = path.stat()
    file = RemoteFile(
        os.fsencode(path.name), found.st_size if size is None else size, modified or int(found.st_mtime)
    )
    return Listing([file], [], False)


def collect(
    job: Job, listing: Listing, sftp: transport.SFTP, check: Callable[[], None] = lambda: None
) -> Collection:
    return collect_outputs(job, listing, [Stream(sftp)], check)


def test_a_file_comes_over_as_it_is(job: Job, work: Path, sftp: transport.SFTP) -> None:
    (work / "out").write_bytes(CONTENT)
    found = collect(job, listed(work / "out"), sftp)
    assert (found.files, found.size, found.skipped) == (1, len(CONTENT), [])
    assert stored_bytes() == [CONTENT]
    row = StoredFile.objects.get()
    with row.file.open("rb") as file:
        assert file.read() == CONTENT


def test_what_became_a_device_is_not_read(job: Job, work: Path, sftp: transport.SFTP) -> None:
    (work / "out").symlink_to("/dev/zero")
    found = collect(job, listed(work / "out", size=5), sftp)
    assert found.skipped == ["out: it turned into something else while it was read"]
    assert (found.files, found.size, stored_bytes(), StoredFile.objects.count()) == (0, 0, [], 0)


@pytest.mark.parametrize("less", [1, len(CONTENT)])
def test_what_became_shorter_is_not_stored(job: Job, work: Path, sftp: transport.SFTP, less: int) -> None:
    (work / "out").write_bytes(CONTENT[: len(CONTENT) - less])
    found = collect(job, listed(work / "out", size=len(CONTENT)), sftp)
    assert found.skipped == ["out: it became shorter while it was read"]
    assert (found.files, stored_bytes(), StoredFile.objects.count()) == (0, [], 0)


def test_of_what_grew_only_the_announced_bytes_are_stored(job: Job, work: Path, sftp: transport.SFTP) -> None:
    (work / "out").write_bytes(CONTENT)
    found = collect(job, listed(work / "out", size=70_000), sftp)
    assert (found.files, found.size) == (1, 70_000)
    assert stored_bytes() == [CONTENT[:70_000]]


def losing_after(job: Job, calls: int) -> Callable[[], None]:
    """Return a check that finds the claim lost when it was asked so many times before."""
    left = [calls]

    def check() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise ClaimLost(job.pk)

    return check


def test_a_claim_lost_at_any_moment_leaves_neither_row_nor_bytes(
    job: Job, work: Path, node: sshd.Node
) -> None:
    (work / "out").write_bytes(CONTENT)
    for calls in range(100):
        try:
            # One that a lost claim ended may have been closed, so that nothing waits for the node.
            with connected(node) as mine:
                collect(job, listed(work / "out"), mine, losing_after(job, calls))
        except ClaimLost:
            assert (stored_bytes(), StoredFile.objects.count()) == ([], 0), f"after {calls} checks"
        else:
            break
    assert calls >= 3, "the claim is checked before, during and after the copying"
    assert (stored_bytes(), StoredFile.objects.count()) == ([CONTENT], 1)


def test_a_claim_lost_in_a_second_collection_leaves_the_first_as_it_was(
    job: Job, work: Path, node: sshd.Node, sftp: transport.SFTP
) -> None:
    (work / "out").write_bytes(b"first")
    collect(job, listed(work / "out", modified=1_000_000_000), sftp)
    before = StoredFile.objects.values().get()
    (work / "out").write_bytes(CONTENT)
    for calls in range(100):
        try:
            # One that a lost claim ended may have been closed, so that nothing waits for the node.
            with connected(node) as mine:
                collect(job, listed(work / "out"), mine, losing_after(job, calls))
        except ClaimLost:
            assert StoredFile.objects.values().get() == before, f"after {calls} checks"
            assert stored_bytes() == [b"first"], f"after {calls} checks"
        else:
            break
    assert calls >= 3, "the claim is checked before, during and after the copying"
    assert (stored_bytes(), StoredFile.objects.count()) == ([CONTENT], 1)


def test_a_changed_file_replaces_the_stored_one_and_an_unchanged_one_is_not_fetched(
    job: Job, work: Path, sftp: transport.SFTP
) -> None:
    (work / "out").write_bytes(b"first")
    collect(job, listed(work / "out", modified=1_000_000_000), sftp)
    (work / "out").write_bytes(b"other")
    collect(job, listed(work / "out", modified=1_000_000_000), sftp)
    assert stored_bytes() == [b"first"], "size and time say that it did not change"
    collect(job, listed(work / "out", modified=1_000_000_001), sftp)
    assert stored_bytes() == [b"other"]
    assert StoredFile.objects.count() == 1


def test_a_transfer_that_the_node_ends_is_no_reason_to_leave_files_out(
    job: Job, work: Path, sftp: transport.SFTP
) -> None:
    (work / "out").write_bytes(CONTENT)
    sftp.close()
    with pytest.raises(transport.ConnectionLost):
        collect(job, listed(work / "out"), sftp)
    assert (stored_bytes(), StoredFile.objects.count()) == ([], 0)


def test_what_came_before_the_time_was_over_is_kept(job: Job, work: Path, sftp: transport.SFTP) -> None:
    names = [f"{number:04}" for number in range(500)]
    for name in names:
        (work / name).write_bytes(name.encode())
    listing = Listing([file for name in names for file in listed(work / name).files], [], False)
    checks = iter([None] * 2)

    def check() -> None:
        if next(checks, StopIteration) is StopIteration:
            raise TimeoutError("not within the time that is allowed.")

    with pytest.raises(TimeoutError):
        collect(job, listing, sftp, check)
    rows = {row.relative_path: row for row in StoredFile.objects.all()}
    assert rows
    assert sorted(stored_bytes()) == sorted(name.encode() for name in rows)


def test_several_streams_bring_each_file_once(job: Job, work: Path, node: sshd.Node) -> None:
    names = [f"{number:03}" for number in range(300)]
    for name in names:
        (work / name).write_bytes(name.encode() * 1000)
    listing = Listing([file for name in names for file in listed(work / name).files], [], False)
    seen: list[Progress] = []
    credential = issue_credential(node.target().principal, for_whom="a test")
    with transport.connect(node.target(), credential=credential) as connection, ExitStack() as stack:
        streams = [Stream(stack.enter_context(connection.sftp())) for _ in range(4)]
        found = collect_outputs(job, listing, streams, lambda: None, seen.append)
    assert (found.files, found.size, found.fetched, found.skipped) == (300, 900_000, 300, [])
    assert sorted(stored_bytes()) == sorted(name.encode() * 1000 for name in names)
    assert seen[0] == Progress(0, 300, 0, 900_000)
    assert seen[-1] == Progress(300, 300, 900_000, 900_000)
    assert [each.files for each in seen] == sorted(each.files for each in seen)


def test_a_job_keeps_as_many_files_as_the_limit_says_and_is_told_of_the_rest(
    job: Job, work: Path, sftp: transport.SFTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_plan, "MAX_FILES", 2)
    for name in "abc":
        (work / name).write_bytes(b"x")
    listing = Listing([file for name in "abc" for file in listed(work / name).files], [], False)
    found = collect(job, listing, sftp)
    assert (found.files, found.skipped) == (2, ["the rest: a job keeps 2 files at most"])
    assert sorted(StoredFile.objects.values_list("relative_path", flat=True)) == ["a", "b"]
