"""Try a machine: prove its host key, log in, open a shell; say exactly what happened. Stores nothing it learns."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.audit.trail import Actor, record
from accounts.users.administrators import check_administrator
from jobs.machines.machine_access import machine_target
from jobs.models import Machine
from sshgateway.certificates import credentials
from sshgateway.ssh import transport
from sshgateway.ssh.errors import HostKeyChanged, SSHError

WORKS = "works"
CHECK_SECONDS = 10.0


@dataclass(frozen=True)
class Finding:
    """How far the portal got. `reason` is `works` or that of the SSHError; `shown` a foreign host key's fingerprint."""

    reason: str
    message: str
    pinned: tuple[str, ...] = ()
    shown: str = ""

    @property
    def works(self) -> bool:
        """Whether a terminal would open."""
        return self.reason == WORKS


def check(actor: Actor, machine: Machine) -> Finding:
    """Connect as a terminal would, within `CHECK_SECONDS` (looking up the name not counted).

    Raises Refused (`not_administrator`, 403).
    """
    check_administrator(actor, _("Only an administrator can check machines. Ask yours."))
    target = machine_target(machine)
    whom = f"{actor.name} {machine.subject} check"
    credential = credentials.issue(target.principal, for_whom=whom)
    shown, pinned = "", tuple(machine.fingerprints)
    try:
        with transport.connect(target, timeout=CHECK_SECONDS, credential=credential) as connection:
            proved = f"{connection.host_key.type} {connection.host_key.fingerprint}"
            connection.try_shell()
        reason, message = (
            WORKS,
            _("%(where)s proved its host key (%(key)s), took the portal's certificate and opened a shell.")
            % {"where": target.where, "key": proved},
        )
    except SSHError as error:
        reason, message = error.reason, str(error)
        shown = error.shown if isinstance(error, HostKeyChanged) else ""
    finding = Finding(reason, message, pinned, shown)
    record(
        actor,
        "jobs:machine:checked",
        "machine",
        machine.pk,
        after={"name": machine.name, "outcome": finding.reason, "shown": finding.shown},
    )
    return finding
