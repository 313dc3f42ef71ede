"""Check whether a user may open a terminal on a node, and return the target to connect to."""

from collections.abc import Sequence

from accounts import cidr
from accounts.models import User
from accounts.services import job_settings
from jobs.access import refusals
from jobs.access.access_document import rules_of, rules_of_job
from jobs.access.job_visibility import visible_jobs
from jobs.access.refusals import AccessRefusal
from jobs.access.session_subjects import job_id_of, subject_of
from jobs.models import Cluster, Job, Node
from jobs.states import ENDING, NODE_ENDING
from sshgateway.models import TerminalSession
from sshgateway.ssh.targets import Target


def check_address(owner: User, source_address: str) -> None:
    """Raise Refused (`ssh_access_off`, `cidr_denied`) unless the owner's access rules cover this address."""
    _check_rules(owner, rules_of(owner), source_address)


def check_address_for(job: Job, source_address: str) -> None:
    """Raise Refused as `check_address` does, by the rules of this job's cluster."""
    _check_rules(job.owner, rules_of_job(job), source_address)


def _check_rules(owner: User, rules: Sequence[str], source_address: str) -> None:
    if not job_settings(owner).ssh_access:
        raise refusals.ssh_access_off()
    if not source_address:
        raise refusals.address_unknown()
    if not cidr.allows(rules, source_address):
        raise refusals.address_denied(source_address)


def check_trust(node: Node) -> None:
    """Raise Refused (`host_key_changed`) while the node's host key alarm is raised."""
    if node.host_key_alarm_at is not None:
        raise refusals.host_key_changed(node.name)


def node_target(node: Node) -> Target:
    """Return the target of a node that has registered. For the portal's own logins: checks no access rule.

    Raises Refused: `not_ready` (409), `host_key_changed` (403).
    """
    if not node.address or not node.port or not node.host_keys:
        raise refusals.node_not_ready(node.name)
    check_trust(node)
    job = node.cluster.job
    return Target(
        address=node.address,
        port=node.port,
        principal=job.username,
        host_keys=tuple(node.host_keys),
        label=f"{node.name} of {job.name}",
        subject=subject_of(job),
        node=node.name,
        core_type=node.core_type_id,
    )


def terminal_target(user: User, job: Job, node_name: str, source_address: str) -> Target:
    """Return the target for this user's browser terminal on a node of the job.

    Raises Refused: `not_found` (404), `cluster_gone`, `node_gone`, `not_ready` (409), `ssh_access_off`,
    `cidr_denied`, `host_key_changed` (403).
    """
    if not visible_jobs(user).filter(pk=job.pk).exists():
        raise refusals.no_such_job()
    node = _running_node(job, node_name)
    check_address_for(job, source_address)
    return node_target(node)


def check_job_terminal(session: TerminalSession, user: User, source_address: str) -> None:
    """Raise Refused unless the user may use this session of a job's terminal now.

    Called when a socket attaches and again while it stays attached. Sessions of other subjects pass.
    """
    job_id = job_id_of(session.subject)
    if not job_id:
        return
    job = visible_jobs(user).select_related("owner").filter(pk=job_id).first()
    if job is None:
        raise refusals.no_such_job()
    terminal_target(user, job, session.node, source_address)


def _running_node(job: Job, name: str) -> Node:
    """Return the node of the job's cluster if it is up. Raises Refused if it is not, or there is none."""
    cluster = Cluster.objects.filter(job=job).first()
    if cluster is None:
        raise refusals.not_submitted(AccessRefusal.NOT_READY, 409)
    if cluster.observed_state in ENDING:
        raise refusals.cluster_gone()
    node = cluster.nodes.filter(name=name).first()
    if node is None:
        raise refusals.no_such_node()
    if node.state in NODE_ENDING:
        raise refusals.node_gone(node.name, node.state)
    if not node.is_up:
        raise refusals.node_not_ready(node.name)
    return node
