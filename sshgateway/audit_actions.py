"""The kinds of audit event about terminals, recordings and authorities, each with its title."""

from django.utils.translation import gettext_lazy as _

from accounts.audit.actions import AuditAction


class GatewayAuditAction(AuditAction):
    """What sshgateway records. Values are saved in the database forever: never change one."""

    TERMINAL_SHARED = "sshgateway:terminal_session:shared", _("Terminal shared")
    TERMINAL_SHARE_CHANGED = "sshgateway:terminal_session:share_changed", _("Sharing of a terminal changed")
    TERMINAL_SHARE_REVOKED = "sshgateway:terminal_session:share_revoked", _("Sharing of a terminal revoked")
    TERMINAL_JOINED = "sshgateway:terminal_session:joined", _("Shared terminal joined")
    TERMINAL_WATCHED = "sshgateway:terminal_session:watched", _("Terminal watched by an administrator")
    TERMINAL_ENDED_BY_ADMINISTRATOR = (
        "sshgateway:terminal_session:ended_by_administrator",
        _("Terminal ended by an administrator"),
    )
    RECORDING_WATCHED = "sshgateway:recording:watched", _("Recording of a terminal watched")
    RECORDING_DELETED = "sshgateway:recording:deleted", _("Recording of a terminal deleted")
    RECORDING_RULE_SAVED = "sshgateway:recording_rule:saved", _("Recording rule saved")
    RECORDING_RULE_REMOVED = "sshgateway:recording_rule:removed", _("Recording rule removed")
    AUTHORITY_ROTATED = "sshgateway:authority:rotated", _("Certificate authority rotated")
