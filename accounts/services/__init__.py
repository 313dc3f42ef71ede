"""Everything users change about themselves: one function, one transaction, one audit event.

Pages, the REST API, commands and tests call these functions; nothing else writes these rows. A refusal is raised as
`Refused`, with a stable reason and a message for the user.
"""

from accounts.services.access_rules import add_access_rule, remove_access_rule, set_rule_expiry
from accounts.services.api_tokens import create_api_token, end_api_token
from accounts.services.device_logins import decide_device_login, redeem_device_login, start_device_login
from accounts.services.job_defaults import job_settings, update_job_settings
from accounts.services.notification_choices import change_notification_choices, stop_mail
from accounts.services.ssh_keys import (
    add_ssh_key,
    disable_ssh_key,
    enable_ssh_key,
    note_key_use,
    remove_ssh_key,
    rename_ssh_key,
    set_key_expiry,
)
from accounts.services.webhooks import (
    add_webhook,
    change_webhook,
    remove_webhook,
    send_delivery_again,
    send_webhook_test,
)

__all__ = [
    "add_access_rule",
    "add_ssh_key",
    "add_webhook",
    "change_notification_choices",
    "change_webhook",
    "create_api_token",
    "decide_device_login",
    "disable_ssh_key",
    "enable_ssh_key",
    "end_api_token",
    "job_settings",
    "note_key_use",
    "redeem_device_login",
    "remove_access_rule",
    "remove_ssh_key",
    "remove_webhook",
    "rename_ssh_key",
    "send_delivery_again",
    "send_webhook_test",
    "set_key_expiry",
    "set_rule_expiry",
    "start_device_login",
    "stop_mail",
    "update_job_settings",
]
