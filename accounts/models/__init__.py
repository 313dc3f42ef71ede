"""The database models of accounts, one per file."""

from accounts.models.access_rule import AccessRule
from accounts.models.api_token import APIToken
from accounts.models.audit_event import AuditChain, AuditEvent
from accounts.models.device_login import DeviceLogin
from accounts.models.job_settings import JobSettings
from accounts.models.notification import Mail, Notification, NotificationChoice
from accounts.models.project import Project, ProjectMembership, ProjectPolicy
from accounts.models.single_user_mode import SingleUserMode
from accounts.models.ssh_key import SSHKey
from accounts.models.user import User
from accounts.models.webhook import Webhook, WebhookAttempt, WebhookDelivery

__all__ = [
    "APIToken",
    "AccessRule",
    "AuditChain",
    "AuditEvent",
    "DeviceLogin",
    "JobSettings",
    "Mail",
    "Notification",
    "NotificationChoice",
    "Project",
    "ProjectMembership",
    "ProjectPolicy",
    "SSHKey",
    "SingleUserMode",
    "User",
    "Webhook",
    "WebhookAttempt",
    "WebhookDelivery",
]
