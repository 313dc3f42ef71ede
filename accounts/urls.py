"""Routes of the settings pages."""

from django.urls import URLPattern, path
from django.views.generic import RedirectView

from accounts.views import (
    access,
    audit,
    device_logins,
    job_settings,
    notification_choices,
    notifications,
    projects,
    ssh_keys,
    tokens,
    unread,
    unsubscribe,
    webhooks,
)

urlpatterns: list[URLPattern] = [
    path("settings/", RedirectView.as_view(pattern_name="job_settings"), name="settings"),
    path("settings/job/", job_settings.job_settings, name="job_settings"),
    path("settings/job/keys/", ssh_keys.add, name="ssh_key_add"),
    path("settings/job/keys/<int:key_id>/expiry/", ssh_keys.change_expiry, name="ssh_key_expiry"),
    path("settings/job/keys/<int:key_id>/disable/", ssh_keys.disable, name="ssh_key_disable"),
    path("settings/job/keys/<int:key_id>/enable/", ssh_keys.enable, name="ssh_key_enable"),
    path("settings/job/keys/<int:key_id>/remove/", ssh_keys.remove, name="ssh_key_remove"),
    path("settings/job/rules/", access.add_rule, name="access_rule_add"),
    path("settings/job/rules/<int:rule_id>/remove/", access.remove_rule, name="access_rule_remove"),
    path("settings/job/ssh-access/", access.ssh_access, name="ssh_access"),
    path("settings/job/auto-terminate/", access.auto_terminate, name="auto_terminate"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/read/", notifications.read_all, name="notifications_read"),
    path("notifications/unread/", unread.unread_state, name="notifications_unread"),
    path("notifications/unsubscribe/<str:token>/", unsubscribe.unsubscribe, name="unsubscribe"),
    path("notifications/<int:notification_id>/", notifications.open_one, name="notification_open"),
    path("notifications/<int:notification_id>/read/", notifications.read_one, name="notification_read"),
    path("settings/notifications/", notification_choices.notification_choices, name="notification_choices"),
    path("settings/webhooks/", webhooks.webhooks, name="webhooks"),
    path("settings/webhooks/<int:webhook_id>/", webhooks.one_webhook, name="webhook"),
    path("settings/webhooks/<int:webhook_id>/deliveries/", webhooks.deliveries, name="webhook_deliveries"),
    path("settings/webhooks/<int:webhook_id>/test/", webhooks.send_test, name="webhook_test"),
    path("settings/webhooks/<int:webhook_id>/remove/", webhooks.remove, name="webhook_remove"),
    path(
        "settings/webhooks/<int:webhook_id>/deliveries/<int:delivery_id>/again/",
        webhooks.again,
        name="webhook_send_again",
    ),
    path("projects/", projects.project_list, name="projects"),
    path("projects/default/", projects.choose_default, name="project_default"),
    path("projects/add/", projects.add, name="project_add"),
    path("projects/policy/", projects.policy, name="project_policy"),
    path("projects/<slug:project_id>/change/", projects.change, name="project_change"),
    path("settings/audit/", audit.audit_trail, name="audit"),
    path("device/", device_logins.device_login, name="device_login"),
    path("settings/tokens/", tokens.tokens, name="api_tokens"),
    path("settings/tokens/<int:token_id>/end/", tokens.end, name="api_token_end"),
]
