"""When nobody uses a cluster. Pure.

A cluster is idle while no command runs, nobody types in a terminal, no program runs in one, no SSH session or file
transfer moves bytes, and the processor of every node is below a line. What was seen is kept as *sightings*: a source
and the time of its last activity. A node whose answer is missing counts as active, up to a bound: it neither ends its
cluster at once nor keeps it for ever.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.lifetime.deadline import Deadline, DeadlineReason, gettext_noop
from jobs.node_contract.activity import ActivityReport, SessionKind

# Between two looks at the nodes.
SHORTEST_INTERVAL, LONGEST_INTERVAL = timedelta(seconds=5), timedelta(seconds=60)
LOOKS_PER_LIMIT = 10
# Processor time is averaged between two looks; over less than this, the look itself would count.
SHORTEST_AVERAGE_SECONDS = 2.0
# The messages that keep an SSH connection open are no activity: a tunnel moves when it moves more than this.
TUNNEL_BYTES_PER_SECOND = 64.0
# So much of one core is in use on any node: a program with one thread is below every line on a node with many cores.
BUSY_CORE = 0.9
# A node that was not asked for long is asked so often before it counts as one that does not answer; and a cluster does
# not end sooner than this after the first of these looks: people are warned, and processor time is measured.
TRIES = 3
GRACE = timedelta(minutes=7)


class Source(StrEnum):
    """What shows that a cluster is used. The values are stored and sent by the API."""

    OWNER = "owner"
    COMMAND = "command"
    TERMINAL = "terminal"
    SSH = "ssh"
    PROGRAM = "program"
    TRANSFER = "transfer"
    CPU = "cpu"
    UNKNOWN = "unknown"


LABELS: dict[str, str] = {
    Source.OWNER: gettext_noop("Ready to use"),
    Source.COMMAND: gettext_noop("Command"),
    Source.TERMINAL: gettext_noop("Keystroke in a browser terminal"),
    Source.SSH: gettext_noop("SSH session"),
    Source.PROGRAM: gettext_noop("Running program"),
    Source.TRANSFER: gettext_noop("File transfer"),
    Source.CPU: gettext_noop("Processor"),
    Source.UNKNOWN: gettext_noop("Node whose answer is missing"),
}


@dataclass(frozen=True)
class IdlePolicy:
    """The limits that hold for one cluster. Without a limit, it does not end for being idle."""

    limit: timedelta | None
    cpu_percent: float
    unknown: timedelta  # how long a node that does not answer counts as active

    @property
    def interval(self) -> timedelta:
        """How often the nodes are asked."""
        wanted = (self.limit or LONGEST_INTERVAL * LOOKS_PER_LIMIT) / LOOKS_PER_LIMIT
        return min(max(wanted, SHORTEST_INTERVAL), LONGEST_INTERVAL)


@dataclass(frozen=True)
class Sighting:
    """The last activity of a source; `detail` says what, on which node."""

    source: Source
    at: datetime
    detail: str = ""


@dataclass(frozen=True)
class Counters:
    """What of a report is kept to compare the next one with."""

    clock: float
    processor: float
    moved: Mapping[str, float]
    tunnels: Mapping[str, float]


def counters_of(report: ActivityReport) -> Counters:
    """Return the counters of a report."""
    return Counters(
        report.clock,
        report.processor,
        {session.key: session.counter for session in report.sessions},
        dict(report.tunnels),
    )


def limit_for(asked_minutes: int | None, default_minutes: int, longest_minutes: int) -> timedelta | None:
    """Return the idle limit of a job: what it asks for, else the default, within the administrator's longest.

    0 minutes is no limit; a longest of 0 allows any, and none at all.
    """
    minutes = default_minutes if asked_minutes is None else asked_minutes
    if longest_minutes and (not minutes or minutes > longest_minutes):
        minutes = longest_minutes
    return timedelta(minutes=minutes) if minutes else None


def sightings_in(
    report: ActivityReport,
    before: Counters | None,
    now: datetime,
    node: str,
    cores: int,
    cpu_percent: float,
) -> list[Sighting]:
    """Return what a report of a node shows, compared with the counters of the report before it."""
    found = []
    for terminal in report.terminals:
        if terminal.program:
            found.append(Sighting(Source.PROGRAM, now, f"{terminal.program} on {node}"))
        else:
            typed = now - timedelta(seconds=min(terminal.idle_seconds, 366 * 86_400))
            found.append(Sighting(Source.SSH, typed, node))
    for session in report.sessions:
        if session.kind == SessionKind.PROGRAM:
            found.append(Sighting(Source.PROGRAM, now, f"{session.program} on {node}"))
        elif before is None or before.moved.get(session.key) != session.counter:
            is_copy = session.kind == SessionKind.TRANSFER
            found.append(Sighting(Source.TRANSFER if is_copy else Source.SSH, now, node))
    if before is None:
        return latest(found)
    seconds = report.clock - before.clock
    if any(_tunnel_moves(count, before.tunnels.get(key), seconds) for key, count in report.tunnels):
        found.append(Sighting(Source.SSH, now, node))
    used = cpu_used(report, before, cores)
    if used is not None and used >= min(cpu_percent, 100 * BUSY_CORE / max(cores, 1)):
        found.append(Sighting(Source.CPU, now, f"{min(used, 100):.0f} % on {node}"))
    return latest(found)


def cpu_used(report: ActivityReport, before: Counters, cores: int) -> float | None:
    """Return how much of a node's processor was used between two reports, in percent; None if they do not tell."""
    seconds, busy = report.clock - before.clock, report.processor - before.processor
    if seconds < SHORTEST_AVERAGE_SECONDS or busy < 0:
        return None  # restarted meanwhile
    return 100 * busy / seconds / max(cores, 1)


def _tunnel_moves(count: float, before: float | None, seconds: float) -> bool:
    return before is not None and seconds > 0 and (count - before) / seconds > TUNNEL_BYTES_PER_SECOND


def unanswered(node: str, answered_at: datetime, now: datetime, policy: IdlePolicy) -> Sighting | None:
    """Return the activity that is assumed of a node that was asked and did not answer, or was not asked in time."""
    if now - answered_at <= 2 * policy.interval:
        return None
    return Sighting(Source.UNKNOWN, min(now, answered_at + policy.unknown), node)


def not_judged_yet(
    node: str, answered_at: datetime | None, failures: int, now: datetime, policy: IdlePolicy
) -> Sighting | None:
    """Return the activity that is assumed of a node that was not asked for long, as while the portal was down.

    One look does not tell whether its processor is busy, and one failed look does not tell that it is gone.
    """
    is_recent = answered_at is not None and now - answered_at <= 2 * policy.interval
    if is_recent or failures >= TRIES or policy.limit is None:
        return None
    return Sighting(Source.UNKNOWN, min(now, now - policy.limit + GRACE), node)


def latest(sightings: Iterable[Sighting]) -> list[Sighting]:
    """Return the last sighting of each source."""
    found: dict[Source, Sighting] = {}
    for each in sightings:
        if each.source not in found or each.at > found[each.source].at:
            found[each.source] = each
    return list(found.values())


def idle_deadline(limit: timedelta | None, sightings: Sequence[datetime | None]) -> Deadline | None:
    """Return when a cluster ends for being idle: the limit after its last activity."""
    known = [at for at in sightings if at is not None]
    if limit is None or not known:
        return None
    return Deadline(max(known) + limit, DeadlineReason.IDLE)
