"""Routes of accounts under /api/v2/ and /api/v3/."""

from django.urls import path

from accounts.api import access_rules, audit_events, current_token, device_logins, me, ssh_keys

urlpatterns = [
    path("users/me/", me.Me.as_view()),
    path("users/me/token/", current_token.CurrentToken.as_view()),
    path("device-logins/", device_logins.DeviceLogins.as_view()),
    path("device-logins/token/", device_logins.DeviceLoginToken.as_view()),
    path("users/me/projects/", me.Projects.as_view()),
    path("users/me/job-settings/", me.JobSettingsView.as_view()),
    path("users/me/ssh-keys/", ssh_keys.SSHKeys.as_view()),
    path("users/me/ssh-keys/<str:id>/", ssh_keys.OneSSHKey.as_view()),
    path("users/me/access-rules/", access_rules.AccessRules.as_view()),
    path("users/me/access-rules/<str:id>/", access_rules.OneAccessRule.as_view()),
    path("users/me/audit-events/", audit_events.AuditEvents.as_view()),
]
