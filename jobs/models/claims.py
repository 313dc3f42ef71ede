"""Writes to a cluster that only count while this worker holds its claim.

A worker may sleep past its claim and wake up while another one works on the cluster. So every write of the loop is a
conditional UPDATE that names the claim, and often the value it replaces; it changes no row when either has changed.
"""

import os
import socket
import threading
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from jobs.models.cluster import Cluster
from jobs.models.node import Node


class ClaimLost(Exception):
    """Another worker holds the claim; this pass must not write."""


def worker_name() -> str:
    """Return the name this thread claims under: host, process and thread, unique among workers."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"[:120]


def claimed(cluster: Cluster) -> QuerySet[Cluster]:
    """Return the cluster's row if this worker holds its claim, else no row."""
    return Cluster.objects.filter(pk=cluster.pk, claimed_by=worker_name())


def claimed_nodes(cluster: Cluster) -> QuerySet[Node]:
    """Return the cluster's node rows if this worker holds its claim, else none."""
    return Node.objects.filter(cluster=cluster, cluster__claimed_by=worker_name())


def try_update_claimed(cluster: Cluster, *, only_if: Mapping[str, Any] | None = None, **fields: Any) -> bool:
    """Write these fields to the row and to `cluster`. Return False, and write nothing, if the claim is lost or the
    row does not match `only_if` (lookups as for `filter`)."""
    if claimed(cluster).filter(**(only_if or {})).update(**fields) != 1:
        return False
    for name, value in fields.items():
        setattr(cluster, name, value)
    return True


def update_claimed(cluster: Cluster, *, only_if: Mapping[str, Any] | None = None, **fields: Any) -> None:
    """Like `try_update_claimed`, but raise ClaimLost if nothing was written."""
    if not try_update_claimed(cluster, only_if=only_if, **fields):
        raise ClaimLost(cluster.pk)
