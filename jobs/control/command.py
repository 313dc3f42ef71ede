"""Steps of the job's command on the head node: start it, follow it, stop it.

Every step may be repeated: the program on the node (`jobs.remote`) never runs the command twice.
"""

import os
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import islice

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from jobs.access import job_keys
from jobs.context.node_context import environment
from jobs.control import checkpoint, claim, head_node, job_steps, orders
from jobs.control.cluster_end_reasons import ClusterEndReason, result_of
from jobs.control.head_node import to_head
from jobs.control.node_share import Talk
from jobs.events import history, job_log, job_notices
from jobs.models import Cluster, Job, JobEvent, Node
from jobs.remote import command_runner
from jobs.remote.archive_limits import GIGABYTE, ArchiveLimits
from jobs.remote.command_runner import CommandState, CommandStatus
from jobs.states import COMPLETED_SUCCESSFULLY, JobState, LogLevel, LogSource, Observed, Outcome
from jobs.storage import file_names, input_staging
from sshgateway.ssh.transport import Connection

SOONEST = timedelta(milliseconds=300)
LATEST = timedelta(seconds=3)
MAX_OUTPUT_EVENTS = 2000
MAX_REFUSALS_LOGGED = 10
# How long one pass reads the rest of the output of a command that ended.
READ_SECONDS = 10.0


def launch(cluster: Cluster) -> timedelta:
    """Stage the input files and start the command, if there is one. Raises SSHError.

    Repeating it after a crash does not start the command a second time.
    """
    job = cluster.job
    nodes = list(cluster.nodes.filter(left_out=False))
    talk = Talk.TRANSFER if job.inputs.exists() else Talk.CALL
    with to_head(cluster, talk) as connection, head_node.ended_by_stop(cluster, connection):
        command_runner.prepare(connection, {"machinefile": orders.machinefile(nodes)})
        staged = _stage(cluster, connection)
        if job.command:
            _start(cluster, connection)
    now = timezone.now()
    with transaction.atomic():
        checkpoint.advance(cluster, Observed.EXECUTING, executing_at=now)
        history.record_job_status(job, JobState.EXECUTING)
        job_notices.job_started(job)
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


def _start(cluster: Cluster, connection: Connection) -> None:
    """Start the job's steps, unless they were started before."""
    steps = job_steps.steps_of(cluster.job, environment(cluster), job_keys.variables(cluster))
    command_runner.start(connection, steps)


def _stage(cluster: Cluster, connection: Connection) -> list[str]:
    if not cluster.job.inputs.exists():
        return []
    with connection.sftp() as sftp:
        staged = input_staging.stage_inputs(cluster.job, sftp, lambda: claim.renew_if_old(cluster))
    for name, count in Counter(input_staging.input_path(wanted.file) for wanted in staged).items():
        if count > 1:  # of a job that was saved before this was refused
            text = f"{count} input files have the name {file_names.shown(name)}: only one of them is on the node."
            _log(cluster, text, LogLevel.WARNING)
    paths = [os.fsdecode(input_staging.raw_path(wanted.file)) for wanted in staged if wanted.decompress]
    # Those in folders are part of a case that somebody put together: they stay as they are.
    names = [path for path in paths if "/" not in path]
    limits = ArchiveLimits(bytes=settings.HEADNODE_MAX_UNPACKED_GB * GIGABYTE)
    refused = command_runner.unpack(connection, names, limits)
    for name, why in islice(refused.items(), MAX_REFUSALS_LOGGED):
        shown = file_names.shown_bytes(os.fsencode(name))
        _log(
            cluster, f"{shown} {why}. It was not unpacked, and is there as you uploaded it.", LogLevel.WARNING
        )
    if (more := len(refused) - MAX_REFUSALS_LOGGED) > 0:
        _log(cluster, f"{more} more archive(s) were not unpacked.", LogLevel.WARNING)
    return [file_names.shown(input_staging.input_path(wanted.file)) for wanted in staged]


def follow(cluster: Cluster) -> timedelta:
    """Read the command's status and new output. Raises SSHError: a lost connection says nothing about the command."""
    with to_head(cluster) as connection:
        return _record_progress(
            cluster, connection, head_node.status(cluster, connection, cluster.log_offset)
        )


def stop(cluster: Cluster, why: str) -> timedelta:
    """Ask the command to end, then follow it. Raises SSHError."""
    with to_head(cluster) as connection:
        status = head_node.stop(cluster, connection, why)
        if status.state == CommandState.NONE:
            # It never started, and must not start any more.
            return skip(cluster)
        return _record_progress(cluster, connection, status)


def abandon(cluster: Cluster, why: str) -> timedelta:
    """Continue with the output files of a command that does not end when asked to. It ends with its node."""
    with transaction.atomic():
        checkpoint.save_outcome(cluster, *result_of(why))
        checkpoint.advance(cluster, Observed.EXECUTED, executed_at=timezone.now())
        text = f"{why}, and the command did not end in time; it ends with its node."
        _log(cluster, text, LogLevel.WARNING)
    return timedelta()


def skip(cluster: Cluster) -> timedelta:
    """Record that the command was stopped before it started."""
    with transaction.atomic():
        checkpoint.save_outcome(cluster, *ClusterEndReason.STOPPED_BY_OWNER.result)
        checkpoint.advance(cluster, Observed.EXECUTED, executed_at=timezone.now())
    return timedelta()


def _record_progress(cluster: Cluster, connection: Connection, status: CommandStatus) -> timedelta:
    has_room = _append_output(cluster, status)
    until = time.monotonic() + READ_SECONDS
    while has_room and status.has_more and status.state != CommandState.RUNNING:
        if time.monotonic() > until:
            return SOONEST  # a slow node: the next pass reads on
        before = status.offset
        claim.renew_if_old(cluster)
        status = head_node.status(cluster, connection, status.offset)
        has_room = _append_output(cluster, status)
        if status.offset == before:
            break
    if status.state == CommandState.NONE:
        # The launch was recorded, but its runner never started (the node was cut off): start it again.
        _start(cluster, connection)
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
        lines = job_keys.without_key(cluster, status.lines[: max(room, 0)])
        new = [_output_event(line) for line in lines]
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
    codes = [status.analysis_codes.get(position) for position in range(1 + cluster.job.following.count())]
    with transaction.atomic():
        Job.objects.filter(pk=cluster.job_id).update(analysis_exit_codes=codes)
        checkpoint.save_outcome(cluster, outcome, reason, status.exit_code)
        checkpoint.advance(cluster, Observed.EXECUTED, executed_at=timezone.now())
        if status.state == CommandState.LOST:
            text, level = "The command was interrupted: the head node lost its runner.", LogLevel.ERROR
        else:
            text = f"The command ended with exit code {status.exit_code}."
            level = LogLevel.INFO if status.exit_code == 0 else LogLevel.WARNING
            if len(codes) > 1:
                _log(cluster, _analyses_sentence(codes))
        _log(cluster, text, level)


def _analyses_sentence(codes: Sequence[int | None]) -> str:
    ends = ("did not run" if code is None else f"exit code {code}" for code in codes)
    return "Analyses: " + ", ".join(f"{number} {end}" for number, end in enumerate(ends, start=1)) + "."


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
        return Outcome.SUCCEEDED, COMPLETED_SUCCESSFULLY
    return Outcome.FAILED, f"A run failed (exit code {status.exit_code})"
