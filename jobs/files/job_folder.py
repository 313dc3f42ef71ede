"""Open the folder of a job for a person: decide where it is now, and check what they may.

Before the command the folder has the job's inputs, while the head node is there it is the run's folder on the node,
afterwards it is what storage has. On a node the same is asked of a person as for a terminal, at each request and every
CHECK_SECONDS of a download.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Protocol

from accounts.audit.trail import Actor
from accounts.models import User
from jobs.access import host_key_alarm, node_access, refusals
from jobs.access.job_visibility import visible_jobs
from jobs.files.node_channels import CHANNELS
from jobs.files.stored_folder import inputs_folder, outputs_folder
from jobs.models import Cluster, Job, Node
from jobs.remote import folder_refusals
from jobs.remote.run_folder import MAX_ENTRIES, Entry, Folder, RunFolder
from jobs.remote.time_limit import limited
from jobs.states import ENDING, Observed
from sshgateway.certificates.credentials import issue_credential
from sshgateway.ssh import transport
from sshgateway.ssh.targets import Target

CONNECT_SECONDS = 7.0
WORK_SECONDS = 30.0
CHECK_SECONDS = 2.0
# The command was launched, so that the work directory is made.
WITH_RUN_FOLDER = (Observed.EXECUTING, Observed.EXECUTED, Observed.DRAINED, Observed.COLLECTED)


class Place(StrEnum):
    """Where a job's files are now. The REST API returns the value: never change one."""

    INPUTS = "inputs"
    NODE = "node"
    STORAGE = "storage"


class Content(Protocol):
    """An open file."""

    @property
    def size(self) -> int: ...
    @property
    def entry(self) -> Entry: ...
    @property
    def etag(self) -> str: ...
    def read(self, start: int, length: int) -> Iterator[bytes]:
        """Yield this part."""


class ReadableFolder(Protocol):
    """What can be done in the folder wherever it is. Every method raises Refused."""

    def listing(self, path: bytes, limit: int = MAX_ENTRIES) -> Folder:
        """List a folder."""

    def entry(self, path: bytes) -> Entry:
        """Return what is at a path."""

    def opened(self, path: bytes) -> AbstractContextManager[Content]:
        """Open a file."""

    def walk(self, path: bytes, limit: int) -> Iterator[Entry]:
        """Yield what is at and below a path."""


@dataclass(frozen=True)
class Request:
    """Who asks for which job's files, on which node."""

    actor: Actor
    job: Job
    node: str = "head"

    @property
    def person(self) -> User:
        """Return the signed-in person."""
        assert self.actor.user is not None  # noqa: S101 - views require it
        return self.actor.user


def place_of(job: Job) -> Place:
    """Return where the job's files are now."""
    cluster = Cluster.objects.filter(job=job).first()
    if cluster is None:
        return Place.INPUTS
    if cluster.observed_state in ENDING:
        return Place.STORAGE
    if cluster.observed_state not in WITH_RUN_FOLDER:
        return Place.INPUTS
    head = cluster.nodes.filter(role=Node.Role.HEAD).first()
    return Place.NODE if head is not None and head.is_up else Place.STORAGE


@contextmanager
def opened_folder(asked: Request, *, is_long: bool = False) -> Iterator[tuple[Place, ReadableFolder]]:
    """Yield where the files are, and the folder. Raises Refused.

    Work on a node is ended after WORK_SECONDS, unless `is_long`: then the caller looks after `checked`.
    """
    place = place_of(asked.job)
    if place == Place.INPUTS:
        yield place, inputs_folder(asked.job)
    elif place == Place.STORAGE:
        yield place, outputs_folder(asked.job)
    else:
        with _on_node(asked, is_long) as folder:
            yield place, folder


@contextmanager
def live_folder(asked: Request, *, is_long: bool = False) -> Iterator[RunFolder]:
    """Yield the run's folder on the node, to change it. Raises Refused, `folder_not_live` when it is not there."""
    if place_of(asked.job) != Place.NODE:
        raise folder_refusals.not_live()
    with _on_node(asked, is_long) as folder:
        yield folder


def check_access(asked: Request, place: Place) -> None:
    """Raise Refused if the person may not see these files any more."""
    person = User.objects.filter(pk=asked.person.pk, is_active=True).first()
    job = None if person is None else visible_jobs(person).filter(pk=asked.job.pk).first()
    if person is None or job is None:
        raise refusals.no_such_job()
    if place == Place.NODE:
        node_access.terminal_target(person, job, asked.node, asked.actor.source_address or "")


def checked(chunks: Iterator[bytes], check: Callable[[], None]) -> Iterator[bytes]:
    """Yield the chunks, and call `check` every few seconds, which ends them by raising Refused."""
    checked_at = time.monotonic()
    for chunk in chunks:
        if time.monotonic() - checked_at >= CHECK_SECONDS:
            check()
            checked_at = time.monotonic()
        yield chunk


@contextmanager
def _on_node(asked: Request, is_long: bool) -> Iterator[RunFolder]:
    address = asked.actor.source_address or ""
    target = node_access.terminal_target(asked.person, asked.job, asked.node, address)
    key = (asked.person.pk, asked.job.pk, asked.node, target)
    with CHANNELS.client(key, partial(_connect, asked, target)) as sftp:
        folder = RunFolder(sftp, asked.job.work_directory.encode())
        if is_long:
            yield folder
            return
        try:
            with limited(sftp, WORK_SECONDS, "Reading the folder"):
                yield folder
        except transport.CommandTimedOut:
            raise folder_refusals.too_slow() from None


def _connect(asked: Request, target: Target) -> transport.Connection:
    credential = issue_credential(
        target.principal,
        for_whom=f"{asked.person.get_username()} files {target.subject}",
        target=target.address,
    )
    try:
        return transport.connect(target, credential=credential, timeout=CONNECT_SECONDS)
    except transport.HostKeyChanged as error:
        node = Node.objects.get(cluster__job=asked.job, name=asked.node)
        host_key_alarm.raise_alarm(node, error, "a look at its files")
        raise
