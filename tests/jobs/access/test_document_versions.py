"""The number of an access document is taken before its content is read, so a higher number is never older content."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts import services as accounts
from accounts.models import User
from jobs.access import access_document
from jobs.models import Cluster
from jobs.states import Observed
from tests.factories import public_key
from tests.interleaving import before_query
from tests.jobs.making import actor, cluster_of


def after_queries(count: int) -> Callable[[str], bool]:
    """Pick the query after `count` others; only those outside transactions, where another worker could come in."""
    left = [count]

    def chosen(sql: str) -> bool:
        if connection.in_atomic_block or not sql.startswith("SELECT"):
            return False
        left[0] -= 1
        return left[0] < 0

    return chosen


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_key_removed_at_any_moment_is_in_no_document_with_a_higher_number(alice: User) -> None:
    cluster, _ = cluster_of(alice, Observed.EXECUTING)
    came_between = 0
    for queries in range(100):
        documents: list[dict[str, Any]] = []
        key = accounts.add_ssh_key(actor(alice), alice, "laptop", public_key())

        def remove_and_push(key: Any = key, documents: list[dict[str, Any]] = documents) -> None:
            accounts.remove_ssh_key(actor(alice), key)
            documents.append(access_document.new_document(Cluster.objects.get(pk=cluster.pk)))

        with before_query(after_queries(queries), remove_and_push) as happened:
            documents.append(access_document.new_document(Cluster.objects.get(pk=cluster.pk)))
        if not happened:
            break
        came_between += 1
        newest = max(documents, key=lambda document: document["version"])
        assert len({document["version"] for document in documents}) == 2
        assert newest["authorized_keys"] == [], f"the key came back, after {queries} queries"
    assert came_between >= 3
