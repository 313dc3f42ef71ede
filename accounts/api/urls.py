"""Routes of accounts under /api/v2/ and /api/v3/."""

from django.urls import path

from accounts.api import (
    access_rules,
    audit_events,
    current_token,
    device_logins,
    me,
    notifications,
    projects,
    ssh_keys,
    tokens,
    webhooks,
)

urlpatterns = [
    path("users/me/", me.Me.as_view()),
    path("ping/", me.Ping.as_view()),
    path("users/me/token/", current_token.CurrentToken.as_view()),
    path("users/me/tokens/", tokens.APITokens.as_view()),
    path("users/me/tokens/<str:id>/", tokens.OneAPIToken.as_view()),
    path("device-logins/", device_logins.DeviceLogins.as_view()),
    path("device-logins/token/", device_logins.DeviceLoginToken.as_view()),
    path("users/me/projects/", projects.OwnProjects.as_view()),
    path("projects/", projects.Projects.as_view()),
    path("projects/<str:id>/", projects.OneProject.as_view()),
    path("project-policy/", projects.ProjectPolicy.as_view()),
    path("users/me/job-settings/", me.JobSettingsView.as_view()),
    path("users/me/ssh-keys/", ssh_keys.SSHKeys.as_view()),
    path("users/me/ssh-keys/<str:id>/", ssh_keys.OneSSHKey.as_view()),
    path("users/me/access-rules/", access_rules.AccessRules.as_view()),
    path("users/me/access-rules/<str:id>/", access_rules.OneAccessRule.as_view()),
    path("users/me/notifications/", notifications.Notifications.as_view()),
    path("users/me/notifications/<str:id>/", notifications.OneNotification.as_view()),
    path("users/me/notification-choices/", notifications.NotificationChoices.as_view()),
    path("users/me/webhooks/", webhooks.Webhooks.as_view()),
    path("users/me/webhooks/<str:id>/", webhooks.OneWebhook.as_view()),
    path("users/me/webhooks/<str:id>/test/", webhooks.WebhookTest.as_view()),
    path(
        "users/me/webhooks/<str:id>/deliveries/<str:delivery_id>/send-again/",
        webhooks.WebhookSendAgain.as_view(),
    ),
    path("users/me/audit-events/", audit_events.AuditEvents.as_view()),
]
