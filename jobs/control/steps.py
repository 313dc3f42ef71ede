"""Which function carries out which step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from jobs.access import host_key_alarm
from jobs.control import budget_start, checkpoint, command, incomplete_boot, provisioning, standby, teardown
from jobs.control.decisions import Decision, Facts, Step, can_save_files
from jobs.models import Cluster
from jobs.providers.base import Provider

FILES_COME_FIRST = "The head node is up: its output files are stored before the cluster goes."


@dataclass(frozen=True)
class DecidedStep:
    """A decision, and what carrying it out may need."""

    cluster: Cluster
    provider: Provider
    decision: Decision
    facts: Facts


def carry_out(step: DecidedStep) -> timedelta | None:
    """Do the step. Return when to look again: zero for at once, None for never."""
    return STEP_FUNCTIONS[step.decision.step](step)


def _fail(step: DecidedStep) -> timedelta:
    checkpoint.fail(step.cluster, step.decision.why, FILES_COME_FIRST if can_save_files(step.facts) else "")
    return timedelta()


STEP_FUNCTIONS: Mapping[Step, Callable[[DecidedStep], timedelta | None]] = {
    Step.PROVISION: lambda step: budget_start.provision_within_budgets(step.cluster, step.provider),
    Step.WATCH_BOOT: lambda step: provisioning.WATCH_EVERY,
    Step.LEAVE_OUT: lambda step: incomplete_boot.leave_out(
        step.cluster, step.provider, step.decision.nodes, step.decision.why
    ),
    Step.HOLD: lambda step: incomplete_boot.hold(step.cluster, step.provider, step.decision.why),
    Step.VERIFY: lambda step: provisioning.verify(step.cluster, step.provider),
    Step.LAUNCH: lambda step: command.launch(step.cluster),
    Step.FOLLOW: lambda step: command.follow(step.cluster),
    Step.STOP_COMMAND: lambda step: command.stop(step.cluster, step.decision.why),
    Step.STAND_BY: lambda step: standby.stand_by(step.cluster),
    Step.CLOSE: lambda step: standby.close(step.cluster, step.decision.why),
    Step.SKIP_COMMAND: lambda step: command.skip(step.cluster),
    Step.DRAIN: lambda step: teardown.drain(step.cluster, step.provider),
    Step.COLLECT: lambda step: teardown.collect(step.cluster),
    Step.ABANDON: lambda step: command.abandon(step.cluster, step.decision.why),
    Step.GIVE_UP: lambda step: teardown.give_up_collecting(step.cluster, step.decision.why),
    Step.COLLECT_REST: lambda step: teardown.collect_rest(step.cluster, step.decision.why),
    Step.KEEP: lambda step: teardown.keep(step.cluster, step.provider),
    Step.REPORT: lambda step: incomplete_boot.report(step.cluster),
    Step.RELEASE: lambda step: teardown.release(step.cluster, step.decision.why),
    Step.WATCH_RELEASE: lambda step: teardown.watch_release(
        step.cluster, step.provider, is_gone=not step.facts.provider_has_it
    ),
    Step.WAIT_FOR_TRUST: lambda step: host_key_alarm.ALARM_CHECK_INTERVAL,
    Step.FAIL: _fail,
    Step.NOTHING: lambda step: None,
}
