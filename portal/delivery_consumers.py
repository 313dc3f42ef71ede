"""Run the tasks that deliver notifications: a slow mail server or a hostile webhook holds up nothing else."""

from accounts.notifications.wakeups import MAIL_QUEUE, WEBHOOK_QUEUE
from portal.queue_consumer import QueueConsumer


class MailConsumer(QueueConsumer):
    """The threads that send mail."""

    queue = MAIL_QUEUE
    threads = 2


class WebhookConsumer(QueueConsumer):
    """The threads that post to webhooks."""

    queue = WEBHOOK_QUEUE
    threads = 6
