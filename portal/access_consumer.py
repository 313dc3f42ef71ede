"""Run the tasks of the queue `access`: whatever revokes access must not wait for passes that talk to nodes.

Should the worker be killed in the middle of one, the pass that is due two seconds later pushes the same.
"""

from portal.queue_consumer import QueueConsumer

QUEUE = "access"


class AccessConsumer(QueueConsumer):
    """The threads that push keys and rules."""

    queue = QUEUE
    threads = 2
