"""Talk to the head node of a cluster within its owner's share: through the program or, where it is broken, over SFTP.

A call that the program does not answer as it should is repeated over SFTP at once, and for PROGRAM_REST_SECONDS nothing
else asks the program: a node that lets every call wait would hold a thread most of the time.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection as database

from jobs.access import host_key_alarm, node_access
from jobs.control.node_share import SHARES, Talk
from jobs.events import job_log
from jobs.models import Cluster, Node
from jobs.models.claims import ClaimLost
from jobs.remote import command_runner, node_files
from jobs.remote.answer import RemoteFailed
from jobs.remote.command_runner import CommandStatus, Listing
from jobs.remote.time_limit import ended_when
from jobs.states import Desired, LogLevel, LogSource
from jobs.storage.output_collection import StorageFailedError
from sshgateway.certificates import credentials
from sshgateway.ssh import transport
from sshgateway.ssh.transport import (
    ChannelRefused,
    CommandTimedOut,
    Connection,
    ConnectionLost,
    OutputTooLong,
    SSHError,
)

T = TypeVar("T")
logger = logging.getLogger(__name__)

CONNECT_SECONDS = 7.0
PROGRAM_REST_SECONDS = 60.0
STOP_CHECK_SECONDS = 2.0
# What it is when the program does not answer as it should; a lost connection is something else.
PROGRAM_BROKEN = (RemoteFailed, CommandTimedOut, OutputTooLong, ChannelRefused)
MAX_REMEMBERED = 10_000
# In this process: until when (`time.monotonic`) the program of a cluster is not asked.
_resting_until: dict[str, float] = {}


@contextmanager
def to_head(cluster: Cluster, talk: Talk = Talk.CALL) -> Iterator[Connection]:
    """Connect to the head node with its pinned host key, within the owner's share.

    Raises ShareUsedUp; SSHError, for another host key after the alarm.
    """
    if talk == Talk.CALL and cluster.desired_state == Desired.STOPPED:
        talk = Talk.STOP
    with SHARES.taken(cluster.job.owner_id, talk), _connect(cluster) as connection, _told_if_lost(connection):
        yield connection


@contextmanager
def _told_if_lost(connection: Connection) -> Iterator[None]:
    """Raise ConnectionLost, whatever a broken connection led to. Raises ClaimLost and others as they are."""
    try:
        yield
    except (SSHError, RemoteFailed, ClaimLost, StorageFailedError, TimeoutError):
        raise
    except Exception as error:
        if connection.active:
            raise
        # Nearly always the broken connection's doing; a fault of ours must not hide behind it.
        logger.info("what the broken connection led to", exc_info=error)
        raise ConnectionLost(f"The connection to {connection.target.where} broke.") from error


def _connect(cluster: Cluster) -> Connection:
    head = cluster.nodes.select_related("cluster__job__owner").get(role=Node.Role.HEAD)
    if head.host_key_alarm_at is not None:
        raise transport.HostKeyChanged(f"The host key alarm of {head.name} was not cleared.")
    try:
        target = node_access.node_target(head)
        credential = credentials.issue_credential(
            target.principal, for_whom=f"headnode {target.subject}".strip(), target=target.address
        )
        return transport.connect(target, timeout=CONNECT_SECONDS, credential=credential)
    except transport.HostKeyChanged as error:
        host_key_alarm.raise_alarm(head, error, "the portal's work on it")
        raise


@contextmanager
def ended_by_stop(cluster: Cluster, connection: Connection) -> Iterator[None]:
    """End the block, by closing the connection, when the owner terminates the cluster meanwhile."""

    def is_stopped() -> bool:
        try:
            return Cluster.objects.filter(pk=cluster.pk, desired_state=Desired.STOPPED).exists()
        finally:
            database.close()

    with ended_when(connection, is_stopped, STOP_CHECK_SECONDS):
        yield


def status(cluster: Cluster, connection: Connection, offset: int) -> CommandStatus:
    """Return the command's state and output. Raises SSHError, RemoteFailed."""
    return _program_or_files(
        cluster,
        lambda: command_runner.status(connection, offset),
        lambda: node_files.status(connection, offset),
    )


def stop(cluster: Cluster, connection: Connection, why: str) -> CommandStatus:
    """Ask the command to end and return its state. Raises SSHError, RemoteFailed."""
    offset = cluster.log_offset
    return _program_or_files(
        cluster,
        lambda: command_runner.stop(connection, why, offset),
        lambda: node_files.stop(connection, why, offset),
    )


def listing(cluster: Cluster, connection: Connection, limit: int) -> Listing:
    """List the work directory. Raises SSHError, RemoteFailed."""
    return _program_or_files(
        cluster,
        lambda: command_runner.listing(connection, limit),
        lambda: node_files.listing(connection, cluster.job.work_directory, limit),
    )


def _program_or_files(cluster: Cluster, program: Callable[[], T], files: Callable[[], T]) -> T:
    now = time.monotonic()
    if _resting_until.get(cluster.pk, now) > now:
        return files()
    try:
        found = program()
    except PROGRAM_BROKEN as error:
        return _from_files(cluster, files, error)
    _resting_until.pop(cluster.pk, None)
    return found


def _from_files(cluster: Cluster, files: Callable[[], T], error: Exception) -> T:
    """Read the files. If they cannot be read either, the node is to blame: both reasons are told."""
    is_first = cluster.pk not in _resting_until
    if len(_resting_until) >= MAX_REMEMBERED:
        _resting_until.clear()
    _resting_until[cluster.pk] = time.monotonic() + PROGRAM_REST_SECONDS
    logger.warning("cluster %s: its program does not answer: %s", cluster.pk, error)
    found = files()
    if is_first:
        text = f"The head node does not run the portal's program, so its files are read instead: {error}"
        job_log.append(cluster.job, LogSource.PORTAL, text[:1000], level=LogLevel.WARNING)
    return found
