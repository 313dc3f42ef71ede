"""One token, two machines that register with it in the same moment: only one of them becomes the node."""

from typing import Any

import pytest

from accounts.models import AuditEvent, User
from accounts.refusals import Refused
from jobs.context import broker
from jobs.context.tokens import token_of
from jobs.models import JobEvent, Node
from tests.interleaving import Rival, before_query
from tests.jobs.context.test_broker import REGISTRATION
from tests.jobs.making import HOST_KEYS, cluster_of


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_second_waits_for_the_first_and_is_refused(alice: User) -> None:
    """The rival begins after this thread has read that nobody registered, and before it has registered."""
    _, (node,) = cluster_of(alice)
    token = token_of(node.cluster_id, node.name)
    other: dict[str, Any] = {**REGISTRATION, "host_keys": HOST_KEYS[1:]}
    rival = Rival(lambda: broker.register(token, other, "127.0.0.1"))
    with before_query(lambda sql: sql.startswith('UPDATE "jobs_node"'), rival.start) as happened:
        broker.register(token, REGISTRATION, "127.0.0.1")
    with pytest.raises(Refused) as refusal:
        rival.finish()
    assert happened
    assert refusal.value.reason == "token_replayed"
    node = Node.objects.get(pk=node.pk)
    assert node.host_keys == HOST_KEYS[:1]
    assert JobEvent.objects.filter(message__contains="phoned home").count() == 1
    assert AuditEvent.objects.get(action="jobs:node:refused").after["reason"] == "token_replayed"
