"""The Celery application. Tasks are in each app's tasks.py."""

import os

from celery import Celery

from portal.access_consumer import AccessConsumer
from portal.delivery_consumers import MailConsumer, WebhookConsumer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("headnode")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].update((AccessConsumer, MailConsumer, WebhookConsumer))
