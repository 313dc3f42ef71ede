"""Steps of the job's command on the head node: start it, follow it, stop it.

Every step may be repeated: the program on the node (`jobs.remote`) never runs the command twice.
"""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from jobs.access import host_key_alarm, node_access
from jobs.context.node_context import environment
from jobs.control import checkpoint, claim, orders
from jobs.control.command_end_reasons import CommandEndReason, result_of
from jobs.events import history, job_log
from jobs.models import Cluster, JobEvent, Node
from jobs.remote import command_runner
from jobs.remote.command_runner import CommandState, CommandStatus
from jobs.states import JobState, LogLevel, LogSource, Observed, Outcome
from jobs.storage import input_staging
from sshgateway.certificates import credentials
from sshgateway.ssh import transport
from sshgateway.ssh.transport import Connection

CONNECT_SECONDS = 10.0
SOONEST = timedelta(milliseconds=300)
LATEST = timedelta(seconds=3)
MAX_OUTPUT_EVENTS = 2000


def to_head(cluster: Cluster) -> Connection:
    """Connect to the head node with its pinned host key. Raises SSHError, for another host key after the alarm."""
    head = cluster.nodes.select_related("cluster__job__owner").get(role=Node.Role.HEAD)
    if head.host_key_alarm_at is not None:
        raise transport.HostKeyChanged(f"The host key alarm of {head.name} was not cleared.")
    try:
        target = node_access.node_target(head)
        credential = credentials.issue_credential(
            target.principal, for_whom=f"headnode {target.subject}".strip()
        )
        return transport.connect(target, timeout=CONNECT_SECONDS, credential=credential)
    except transport.HostKeyChanged as error:
        host_key_alarm.raise_alarm(head, error, "the portal's work on it")
        raise


def launch(cluster: Cluster) -> timedelta:
    """Stage the input files and start the command, if there is one. Raises SSHError.

    Repeating it after a crash does not start the command a second time.
    """
    job = cluster.job
    nodes = list(cluster.nodes.filter(left_out=False))
    with to_head(cluster) as connection:
        command_runner.prepare(connection, {"machinefile": orders.machinefile(nodes)})
        staged = _stage(cluster, connection)
        if job.command:
            command_runner.start(connection, job.command, {**environment(cluster), **job.env_vars})
    now = timezone.now()
    with transaction.atomic():
        checkpoint.advance(cluster, Observed.EXECUTING, executing_at=now)
        history.record_job_status(job, JobState.EXECUTING)
        if staged:
            names = ", ".join(staged[:10]) + (", ..." if len(staged) > 10 else "")
            text = f"Copied {len(staged)} input file(s) to {job.work_directory}/shared: {names}."
            _log(cluster, text)
        if job.command:
            text = f"Launched the command in {job.work_directory}/shared; output in process_output.log."
        else:
            text = (
                f"The cluster is yours; it has no command. Output files are taken from {job.work_directory}."
            )
        _log(cluster, text)
    return SOONEST


def _stage(cluster: Cluster, connection: Connection) -> list[str]:
    if not cluster.job.inputs.exists():
        return []
    with connection.sftp() as sftp:
        staged = input_staging.stage_inputs(cluster.job, sftp, lambda: claim.renew_if_old(cluster))
    bad = command_runner.unpack(connection, [wanted.file.name for wanted in staged if wanted.decompress])
    if bad:
        text = f"Could not be unpacked, and is there as it was uploaded: {', '.join(bad[:10])}."
        _log(cluster, text, LogLevel.WARNING)
    return [wanted.file.name for wanted in staged]


def follow(cluster: Cluster) -> timedelta:
    """Read the command's status and new output. Raises SSHError: a lost connection says nothing about the command."""
    with to_head(cluster) as connection:
        return _record_progress(cluster, connection, command_runner.status(connection, cluster.log_offset))


def stop(cluster: Cluster, why: str) -> timedelta:
    """Ask the command to end, then follow it. Raises SSHError."""
    with to_head(cluster) as connection:
        status = command_runner.stop(connection, why, cluster.log_offset)
        if status.state == CommandState.NONE:
            # It never started, and must not start any more.
            return skip(cluster)
        return _record_progress(cluster, connection, status)


def abandon(cluster: Cluster, why: str) -> timedelta:
    """Continue with the output files of a command that does not end when asked to. It ends with its node."""
    with transaction.atomic():
        checkpoint.save_outcome(cluster.job, *result_of(why))
        checkpoint.advance(cluster, Observed.EXECUTED, executed_at=timezone.now())
        text = f"{why}, and the command did not end in time; it ends with its node."
        _log(cluster, text, LogLevel.WARNING)
    return timedelta()


def skip(cluster: Cluster) -> timedelta:
    """Record that the command was stopped before it started."""
    with transaction.atomic():
        checkpoint.save_outcome(cluster.job, *CommandEndReason.STOPPED_BY_OWNER.result)
        checkpoint.advance(cluster, Observed.EXECUTED, executed_at=timezone.now())
    return timedelta()


def _record_progress(cluster: Cluster, connection: Connection, status: CommandStatus) -> timedelta:
    has_room = _append_output(cluster, status)
    while has_room and status.has_more and status.state != CommandState.RUNNING:
        before = status.offset
        claim.renew_if_old(cluster)
        status = command_runner.status(connection, status.offset)
        has_room = _append_output(cluster, status)
        if status.offset == before:
            break
    if status.state == CommandState.NONE:
        # The launch was recorded, but its runner never started (the node was cut off): start it again.
        job = cluster.job
        command_runner.start(connection, job.command, {**environment(cluster), **job.env_vars})
        return SOONEST
    if status.state == CommandState.RUNNING:
        began = cluster.executing_at or timezone.now()
        return max(SOONEST, min(LATEST, (timezone.now() - began) / 10))
    _record_end(cluster, status)
    return timedelta()


def _append_output(cluster: Cluster, status: CommandStatus) -> bool:
    """Append output lines to the Job Log, each once: offset and events are saved together.

    Return False when the Job Log takes no more output.
    """
    if status.offset <= cluster.log_offset:
        return True
    with transaction.atomic():
        moved = Cluster.objects.filter(pk=cluster.pk, log_offset=cluster.log_offset).update(
            log_offset=status.offset
        )
        if moved != 1:
            return True
        room = MAX_OUTPUT_EVENTS - cluster.job.events.filter(source=LogSource.PROGRAM).count()
        new = [_output_event(line) for line in status.lines[: max(room, 0)]]
        if 0 < room <= len(status.lines):
            rest = "Further output is not copied here; it is all in process_output.log."
            new[-1] = _output_event(rest, LogLevel.WARNING)
        job_log.append_all(cluster.job, new)
    cluster.log_offset = status.offset
    return room > len(status.lines)


def _output_event(line: str, level: LogLevel = LogLevel.INFO) -> JobEvent:
    return JobEvent(
        source=LogSource.PROGRAM, level=level, stage=JobState.EXECUTING, node=Node.Role.HEAD, message=line
    )


def _record_end(cluster: Cluster, status: CommandStatus) -> None:
    outcome, reason = _result_of(status)
    with transaction.atomic():
        checkpoint.save_outcome(cluster.job, outcome, reason, status.exit_code)
        checkpoint.advance(cluster, Observed.EXECUTED, executed_at=timezone.now())
        if status.state == CommandState.LOST:
            text, level = "The command was interrupted: the head node lost its runner.", LogLevel.ERROR
        else:
            text = f"The command ended with exit code {status.exit_code}."
            level = LogLevel.INFO if status.exit_code == 0 else LogLevel.WARNING
        _log(cluster, text, level)


def _log(cluster: Cluster, text: str, level: LogLevel = LogLevel.INFO) -> None:
    job_log.append(
        cluster.job, LogSource.PORTAL, text, level=level, stage=JobState.EXECUTING, node=Node.Role.HEAD
    )


def _result_of(status: CommandStatus) -> tuple[Outcome, str]:
    if status.state == CommandState.LOST:
        return Outcome.FAILED, "A run was interrupted"
    if status.why:
        return result_of(status.why)
    if status.exit_code == 0:
        return Outcome.SUCCEEDED, "Completed successfully"
    return Outcome.FAILED, f"A run failed (exit code {status.exit_code})"
