"""Steps of the job's command on the head node. Nothing here runs it twice: the program on the node sees to that."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from jobs.access import host_key_alarm, node_access
from jobs.context.node_context import environment
from jobs.control import checkpoint, claim, orders
from jobs.control.reconcile import ENDINGS
from jobs.events import history, job_log
from jobs.models import Cluster, JobEvent, Node
from jobs.providers.base import Provider
from jobs.remote import client
from jobs.states import JobState, Observed, Outcome
from jobs.storage import staging
from sshgateway.ssh import transport
from sshgateway.ssh.transport import Connection

CONNECT_SECONDS = 10.0
SOONEST = timedelta(milliseconds=300)
LATEST = timedelta(seconds=3)
MAX_OUTPUT_EVENTS = 2000
# A node's word on why its command was told to end is its user's word: what we never said reads as this.
_ENDED_SOMEHOW = (Outcome.TERMINATED, "User Terminated")


def to_head(cluster: Cluster) -> Connection:
    """A pinned connection to the head node. Raises SSHError; another host key raises the alarm before."""
    head = cluster.nodes.select_related("cluster__job__owner").get(role=Node.Role.HEAD)
    if head.host_key_alarm_at is not None:
        raise transport.HostKeyChanged(f"The host key alarm of {head.name} was not cleared.")
    try:
        return transport.connect(node_access.node_target(head), timeout=CONNECT_SECONDS)
    except transport.HostKeyChanged as error:
        host_key_alarm.raise_alarm(head, error, "the portal's work on it")
        raise


def launch(cluster: Cluster, provider: Provider) -> timedelta:
    """Start the command. Repeating it after a crash starts nothing a second time. Raises SSHError.

    Where there is none, the directories and input files are made ready for people.
    """
    job = cluster.job
    nodes = list(cluster.nodes.filter(left_out=False))
    with to_head(cluster) as connection:
        client.prepare(connection, {"machinefile": orders.machinefile(nodes)})
        staged = _stage(cluster, connection)
        if job.command:
            client.start(connection, job.command, {**environment(cluster), **job.env_vars})
    now = timezone.now()
    with transaction.atomic():
        checkpoint.advance(cluster, Observed.EXECUTING, executing_at=now)
        history.job_status(job, JobState.EXECUTING)
        if staged:
            names = ", ".join(staged[:10]) + (", ..." if len(staged) > 10 else "")
            text = f"Copied {len(staged)} input file(s) to {job.work_directory}/shared: {names}."
            job_log.append(job, "portal", text, stage=JobState.EXECUTING, node="head")
        if job.command:
            text = f"Launched the command in {job.work_directory}/shared; output in process_output.log."
        else:
            text = (
                f"The cluster is yours; it has no command. Output files are taken from {job.work_directory}."
            )
        job_log.append(job, "portal", text, stage=JobState.EXECUTING, node="head")
    return SOONEST


def _stage(cluster: Cluster, connection: Connection) -> list[str]:
    if not cluster.job.inputs.exists():
        return []
    with connection.sftp() as sftp:
        staged = staging.stage(cluster.job, sftp, lambda: claim.renew_if_old(cluster))
    bad = client.unpack(connection, [wanted.file.name for wanted in staged if wanted.decompress])
    if bad:
        text = f"Could not be unpacked, and is there as it was uploaded: {', '.join(bad[:10])}."
        job_log.append(cluster.job, "portal", text, level="warning", stage=JobState.EXECUTING, node="head")
    return [wanted.file.name for wanted in staged]


def follow(cluster: Cluster, provider: Provider) -> timedelta:
    """See how the command does. Raises SSHError: a broken connection says nothing about the command."""
    with to_head(cluster) as connection:
        return _take(cluster, connection, client.status(connection, cluster.log_offset))


def stop(cluster: Cluster, provider: Provider, why: str) -> timedelta:
    """Ask the command to end and see how it does."""
    with to_head(cluster) as connection:
        status = client.stop(connection, why, cluster.log_offset)
        if status.state == "none":
            # It never began, and is not to begin any more.
            return skip(cluster, provider)
        return _take(cluster, connection, status)


def abandon(cluster: Cluster, why: str) -> timedelta:
    """The command was told to end and does not: go on to its files. It ends with its node."""
    with transaction.atomic():
        checkpoint.remember_outcome(cluster.job, *ENDINGS.get(why, _ENDED_SOMEHOW))
        checkpoint.advance(cluster, Observed.EXECUTED, executed_at=timezone.now())
        text = f"{why}, and the command did not end in time; it ends with its node."
        job_log.append(cluster.job, "portal", text, level="warning", stage=JobState.EXECUTING, node="head")
    return timedelta()


def skip(cluster: Cluster, provider: Provider) -> timedelta:
    """The command was stopped before it began."""
    with transaction.atomic():
        checkpoint.remember_outcome(cluster.job, Outcome.TERMINATED, "User Terminated")
        checkpoint.advance(cluster, Observed.EXECUTED, executed_at=timezone.now())
    return timedelta()


def _take(cluster: Cluster, connection: Connection, status: client.CommandStatus) -> timedelta:
    room = _tell_output(cluster, status)
    while room and status.has_more and status.state != "running":
        before = status.offset
        claim.renew_if_old(cluster)
        status = client.status(connection, status.offset)
        room = _tell_output(cluster, status)
        if status.offset == before:
            break
    if status.state == "none":
        # Written down as launched, but its runner never got going (the node was cut off): launch again.
        job = cluster.job
        client.start(connection, job.command, {**environment(cluster), **job.env_vars})
        return SOONEST
    if status.state == "running":
        began = cluster.executing_at or timezone.now()
        return max(SOONEST, min(LATEST, (timezone.now() - began) / 10))
    _ended(cluster, status)
    return timedelta()


def _tell_output(cluster: Cluster, status: client.CommandStatus) -> bool:
    """Output lines become events, once: offset and events are saved together. False when there is room for no more."""
    if status.offset <= cluster.log_offset:
        return True
    with transaction.atomic():
        moved = Cluster.objects.filter(pk=cluster.pk, log_offset=cluster.log_offset).update(
            log_offset=status.offset
        )
        if moved != 1:
            return True
        told = cluster.job.events.filter(source="program").count()
        room = MAX_OUTPUT_EVENTS - told
        new = [
            JobEvent(source="program", level="info", stage=JobState.EXECUTING, node="head", message=line)
            for line in status.lines[: max(room, 0)]
        ]
        if 0 < room <= len(status.lines):
            rest = "Further output is not copied here; it is all in process_output.log."
            new[-1] = JobEvent(
                source="program", level="warning", stage=JobState.EXECUTING, node="head", message=rest
            )
        job_log.extend(cluster.job, new)
    cluster.log_offset = status.offset
    return room > len(status.lines)


def _ended(cluster: Cluster, status: client.CommandStatus) -> None:
    outcome, reason = _verdict(status)
    with transaction.atomic():
        checkpoint.remember_outcome(cluster.job, outcome, reason, status.exit_code)
        checkpoint.advance(cluster, Observed.EXECUTED, executed_at=timezone.now())
        if status.state == "lost":
            text, level = "The command was interrupted: the head node lost its runner.", "error"
        else:
            text = f"The command ended with exit code {status.exit_code}."
            level = "info" if status.exit_code == 0 else "warning"
        job_log.append(cluster.job, "portal", text, level=level, stage=JobState.EXECUTING, node="head")


def _verdict(status: client.CommandStatus) -> tuple[Outcome, str]:
    if status.state == "lost":
        return Outcome.FAILED, "A run was interrupted"
    if status.why:
        return ENDINGS.get(status.why, _ENDED_SOMEHOW)
    if status.exit_code == 0:
        return Outcome.SUCCEEDED, "Completed successfully"
    return Outcome.FAILED, f"A run failed (exit code {status.exit_code})"
