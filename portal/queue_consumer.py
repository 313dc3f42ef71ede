"""Run the tasks of one queue in threads of their own, in the worker's process.

What must not wait for passes that talk to nodes, or must not hold them up, has a queue apart. Another worker process
would do, and would need as much memory again as the first; a few threads need next to nothing. A message is
acknowledged before its task runs: should the worker be killed then, the sweep finds what was to be done.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, ClassVar

from celery import Celery, bootsteps
from django.db import close_old_connections
from kombu.entity import Exchange, Queue
from kombu.message import Message
from kombu.messaging import Consumer

logger = logging.getLogger(__name__)


class QueueConsumer(bootsteps.ConsumerStep):  # type: ignore[misc]  # celery has no types
    """A part of Celery's worker: a second consumer on a channel of its own, with its own threads."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    queue: ClassVar[str]
    threads: ClassVar[int]

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._app: Celery = parent.app
        self._threads = ThreadPoolExecutor(self.threads, thread_name_prefix=self.queue)

    def get_consumers(self, channel: Any) -> list[Consumer]:
        """Return the consumer of the queue, for a new connection to the broker."""
        queue = Queue(self.queue, Exchange(self.queue), routing_key=self.queue)  # type: ignore[no-untyped-call]  # kombu's
        consumer = Consumer(channel, [queue], callbacks=[self._receive], accept=["json"])  # type: ignore[no-untyped-call]  # kombu's
        return [consumer]

    def _receive(self, body: Any, message: Message) -> None:
        message.ack()  # type: ignore[no-untyped-call]  # kombu's
        headers = message.headers
        self._threads.submit(self._run, str(headers.get("task")), body, headers.get("expires"))

    def _run(self, name: str, body: Any, expires: Any = None) -> None:
        if _is_over(expires):  # it may have waited for a thread
            return
        close_old_connections()
        try:
            arguments, keywords, _ = body
            self._app.tasks[name](*arguments, **keywords)
        except Exception:
            logger.exception("the task %s broke", name)
        finally:
            close_old_connections()


def _is_over(expires: Any) -> bool:
    """Return whether a message is not wanted any more: many may wait after a time without workers."""
    return isinstance(expires, str) and datetime.fromisoformat(expires) < datetime.now(UTC)
