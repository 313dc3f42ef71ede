"""What revokes access is run by threads of its own, not by those that passes may hold."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import celery
import pytest
from celery import Celery

from jobs.events import wakeups
from portal import access_consumer
from portal.access_consumer import AccessConsumer
from portal.celery import app as portal_app
from tests.waiting import LIMIT, wait_for

# The consumer's threads let go of their database connections.
pytestmark = pytest.mark.django_db(transaction=True)

ran: list[tuple[str, str]] = []


@pytest.fixture
def app() -> Iterator[Celery]:
    """An application with a broker in memory and two tasks."""
    made = Celery("test", broker="memory://", set_as_current=False)

    @made.task(name="test.push", shared=False)  # type: ignore[untyped-decorator]  # celery has no types
    def push(cluster_id: str) -> None:
        ran.append((cluster_id, threading.current_thread().name))

    @made.task(name="breaks", shared=False)  # type: ignore[untyped-decorator]  # celery has no types
    def breaks(cluster_id: str) -> None:
        raise ZeroDivisionError

    ran.clear()
    yield made
    made.close()


def consume(app: Celery, connection: Any, messages: int) -> None:
    """Let the consumer receive so many messages. kombu's connection has no types."""
    step = AccessConsumer(SimpleNamespace(app=app))
    consumers: list[Any] = step.get_consumers(connection.channel())
    for consumer in consumers:
        consumer.consume()
    for _ in range(messages):
        connection.drain_events(timeout=LIMIT)


def test_a_message_that_waited_too_long_for_a_thread_is_dropped(app: Celery) -> None:
    step = AccessConsumer(SimpleNamespace(app=app))
    for expires, moment in (("2020-01-01T00:00:00+00:00", "old"), ("2999-01-01T00:00:00+00:00", "new")):
        step._run("test.push", [[moment], {}, {}], expires)
    assert [name for name, _ in ran] == ["new"]


def test_messages_of_the_queue_run_in_its_threads(app: Celery) -> None:
    with app.connection_for_write() as connection:
        app.send_task("test.push", args=["Abc123"], queue=wakeups.ACCESS_QUEUE, connection=connection)
        consume(app, connection, 1)
        wait_for(lambda: ran, "the task ran")
    [(cluster_id, thread)] = ran
    assert cluster_id == "Abc123"
    assert thread.startswith("access")


def test_a_task_that_breaks_stops_none_that_follows(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    with app.connection_for_write() as connection:
        for task in ("breaks", "not.there", "test.push"):
            app.send_task(task, args=["Abc123"], queue=wakeups.ACCESS_QUEUE, connection=connection)
        consume(app, connection, 3)
        wait_for(lambda: ran, "the last one ran")
        # Another thread may have run it, before the first one has told of its own.
        wait_for(lambda: "the task breaks broke" in caplog.text, "the first one is told of")


def test_the_worker_has_it_and_changed_keys_go_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert AccessConsumer in portal_app.steps["consumer"]
    assert wakeups.ACCESS_QUEUE == access_consumer.QUEUE
    sent: list[tuple[str, str | None]] = []
    monkeypatch.setattr(
        celery.current_app, "send_task", lambda task, queue=None, **_: sent.append((task, queue))
    )
    wakeups._send_task(wakeups.PUSH_ACCESS, "Abc123", queue=wakeups.ACCESS_QUEUE)
    wakeups.send("Abc123")
    assert sent == [("jobs.push_access", "access"), ("jobs.reconcile", None)]
