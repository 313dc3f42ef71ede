"""What a user still lacks to connect: a key, an access rule for their address, or SSH access at all."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts import cidr
from accounts.keys import validity
from accounts.models import User
from accounts.services import job_settings
from jobs.access.access_document import rules_of, rules_of_job
from jobs.models import Job


@dataclass(frozen=True)
class AccessNeeds:
    """What keeps a user from connecting from `address`, over SSH and in the browser terminal.

    `address` is empty if a proxy hides it. The browser terminal needs no key; everything else counts for both.
    """

    has_key: bool
    ssh_access: bool
    address: str
    is_allowed: bool
    has_rule: bool
    # The rules are those of one job: nobody gets in by changing their own.
    of_job: bool = False

    @property
    def nothing(self) -> bool:
        """Whether nothing is missing."""
        return self.has_key and self.ssh_access and self.is_allowed

    @property
    def terminal_works(self) -> bool:
        """Whether the browser terminal opens from this address."""
        return self.ssh_access and self.is_allowed

    @property
    def offers_address(self) -> bool:
        """Whether a rule for the address is what is missing, so that one click can add it."""
        return self.ssh_access and not self.is_allowed and bool(self.address) and not self.of_job

    @property
    def sentence(self) -> str:
        """Say everything that is missing and what to do; empty if nothing is."""
        if self.nothing:
            return ""
        if not self.ssh_access:
            return self._off()
        if not self.address:
            return _(
                "The proxy in front of the portal hides your address, so nobody can connect: not over SSH, and not "
                "in the browser terminal. Tell your administrator."
            )
        if self.is_allowed:
            return _("To connect over SSH, add an SSH key. The browser terminal works without one.")
        asked = {"address": self.address}
        if self.of_job:
            text = _(
                "This job was given access rules of its own, and they do not allow your address %(address)s."
            )
            return text % asked
        if not self.has_key:
            text = _(
                "Before you can connect over SSH, add an SSH key and allow your address %(address)s. The browser "
                "terminal needs the address only."
            )
        else:
            text = _(
                "Before you can connect, over SSH or in the browser terminal, allow your address %(address)s."
            )
        return text % asked

    def _off(self) -> str:
        if self.has_key:
            return _(
                "SSH access is switched off in Job Settings. Nobody can connect, over SSH or in the browser terminal."
            )
        return _(
            "SSH access is switched off in Job Settings, and no SSH key is saved. Nobody can connect, over SSH or in "
            "the browser terminal."
        )


def access_needs(owner: User, address: str) -> AccessNeeds:
    """Return what the owner lacks to connect to their clusters from this address."""
    return _needs(owner, address, rules_of(owner))


def access_needs_for(job: Job, address: str) -> AccessNeeds:
    """Return what the job's owner lacks to connect to its cluster from this address."""
    return _needs(job.owner, address, rules_of_job(job), of_job=bool(job.cidr_rules))


def _needs(owner: User, address: str, rules: Sequence[str], *, of_job: bool = False) -> AccessNeeds:
    return AccessNeeds(
        has_key=bool(validity.usable_keys(owner)),
        ssh_access=job_settings(owner).ssh_access,
        address=address,
        is_allowed=bool(address) and cidr.allows(rules, address),
        has_rule=bool(rules),
        of_job=of_job,
    )


def submission_warnings(job: Job) -> list[str]:
    """Return what the Job Log says when a job is submitted that nobody could connect to, a sentence for each thing."""
    owner = job.owner
    found = []
    if not validity.usable_keys(owner):
        found.append(_("No SSH key is saved in Job Settings. Add one to connect over SSH."))
    if not job_settings(owner).ssh_access:
        found.append(
            _(
                "SSH access is switched off in Job Settings. Nobody can connect to this cluster, over SSH or in the "
                "browser terminal."
            )
        )
    elif not rules_of_job(job):
        found.append(
            _(
                "No access rule is saved in Job Settings. Until you add one, nobody can connect to this cluster, over "
                "SSH or in the browser terminal."
            )
        )
    return found
