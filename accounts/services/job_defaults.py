"""Read and change the settings that apply to every job a user submits."""

from django.db import transaction

from accounts.audit.actions import AccountsAuditAction
from accounts.audit.trail import Actor, record
from accounts.models import JobSettings, User
from accounts.signals import send_access_changed


def job_settings(owner: User) -> JobSettings:
    """Return the user's job settings; with the defaults and not saved, if they never changed any. Writes nothing."""
    saved = JobSettings.objects.filter(owner=owner).first()
    # By id: an unsaved row must not become what `owner.job_settings` returns from now on.
    return saved if saved is not None else JobSettings(owner_id=owner.pk)


def update_job_settings(
    actor: Actor,
    owner: User,
    auto_terminate_cluster: bool | None = None,
    ssh_access: bool | None = None,
) -> JobSettings:
    """Change the settings that are given and return all of them. None leaves one as it is."""
    given = {"auto_terminate_cluster": auto_terminate_cluster, "ssh_access": ssh_access}
    changes = {name: value for name, value in given.items() if value is not None}
    if not _differences(job_settings(owner), changes):
        return job_settings(owner)
    with transaction.atomic():
        row, _ = JobSettings.objects.select_for_update().get_or_create(owner=owner)
        changes, before = _differences(row, changes), _facts(row)
        if not changes:  # another process made the same change first
            return row
        for name, value in changes.items():
            setattr(row, name, value)
        row.save(update_fields=list(changes))
        action = AccountsAuditAction.JOB_SETTINGS_CHANGED
        record(actor, action, "job_settings", row.pk, owner=owner, before=before, after=_facts(row))
        if "ssh_access" in changes:
            send_access_changed(owner)
    return row


def _differences(row: JobSettings, changes: dict[str, bool]) -> dict[str, bool]:
    return {name: value for name, value in changes.items() if getattr(row, name) != value}


def _facts(row: JobSettings) -> dict[str, bool]:
    return {"auto_terminate_cluster": row.auto_terminate_cluster, "ssh_access": row.ssh_access}
