"""Run the tasks of the queue `access` in threads of their own, in the worker's process.

Whatever revokes access must not wait for passes that talk to nodes. A second worker process would do, and would need as
much memory again as the first; two threads need next to nothing. A message is acknowledged before its task runs: should
the worker be killed then, the pass that is due two seconds later pushes the same.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery import Celery, bootsteps
from django.db import close_old_connections
from kombu.entity import Exchange, Queue
from kombu.message import Message
from kombu.messaging import Consumer

QUEUE = "access"
THREADS = 2
logger = logging.getLogger(__name__)


class AccessConsumer(bootsteps.ConsumerStep):  # type: ignore[misc]  # celery has no types
    """A part of Celery's worker: a second consumer on a channel of its own, with its own threads."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._app: Celery = parent.app
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="access")

    def get_consumers(self, channel: Any) -> list[Consumer]:
        """Return the consumer of the queue, for a new connection to the broker."""
        queue = Queue(QUEUE, Exchange(QUEUE), routing_key=QUEUE)  # type: ignore[no-untyped-call]  # kombu's
        consumer = Consumer(channel, [queue], callbacks=[self._receive], accept=["json"])  # type: ignore[no-untyped-call]  # kombu's
        return [consumer]

    def _receive(self, body: Any, message: Message) -> None:
        message.ack()  # type: ignore[no-untyped-call]  # kombu's
        self._threads.submit(self._run, str(message.headers.get("task")), body)

    def _run(self, name: str, body: Any) -> None:
        close_old_connections()
        try:
            arguments, keywords, _ = body
            self._app.tasks[name](*arguments, **keywords)
        except Exception:
            logger.exception("the task %s broke", name)
        finally:
            close_old_connections()
