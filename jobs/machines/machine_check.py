"""Check a machine: verify its host key, log in, open a shell, and report what happened. Stores nothing it learns."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.audit.trail import Actor, record
from accounts.users.administrators import check_administrator
from jobs.events.audit_actions import JobsAuditAction
from jobs.machines.machine_access import machine_target
from jobs.models import Machine
from sshgateway.authorization.forbidden_addresses import with_forbidden_addresses
from sshgateway.certificates import credentials
from sshgateway.ssh import transport
from sshgateway.ssh.errors import HostKeyChanged, SSHError

WORKS = "works"
CHECK_SECONDS = 10.0


@dataclass(frozen=True)
class CheckResult:
    """How far the portal got.

    `reason` is `works` or that of the SSHError; `pinned` are the machine's fingerprints, `shown` is the fingerprint of
    a host key that is not among them.
    """

    reason: str
    message: str
    pinned: tuple[str, ...] = ()
    shown: str = ""

    @property
    def works(self) -> bool:
        """Whether a terminal would open."""
        return self.reason == WORKS


def check_machine(actor: Actor, machine: Machine) -> CheckResult:
    """Connect as a terminal would, and return how far that got. Takes at most `CHECK_SECONDS` and a name look-up.

    Raises Refused (`not_administrator`, 403).
    """
    check_administrator(actor, _("Only an administrator can check machines. Ask yours."))
    target = with_forbidden_addresses(machine_target(machine))
    for_whom = f"{actor.name} {machine.subject} check"
    credential = credentials.issue_credential(
        target.principal, for_whom=for_whom, target=target.address, permits_pty=True
    )
    shown, pinned = "", tuple(machine.fingerprints)
    try:
        with transport.connect(target, timeout=CHECK_SECONDS, credential=credential) as connection:
            host_key = f"{connection.host_key.type} {connection.host_key.fingerprint}"
            connection.try_shell()
        reason, message = (
            WORKS,
            _("%(where)s proved its host key (%(key)s), took the portal's certificate and opened a shell.")
            % {"where": target.where, "key": host_key},
        )
    except SSHError as error:
        reason, message = error.reason, str(error)
        shown = error.shown if isinstance(error, HostKeyChanged) else ""
    result = CheckResult(reason, message, pinned, shown)
    record(
        actor,
        JobsAuditAction.MACHINE_CHECKED,
        "machine",
        machine.pk,
        after={"name": machine.name, "outcome": result.reason, "shown": result.shown},
    )
    return result
