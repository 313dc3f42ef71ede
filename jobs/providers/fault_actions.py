"""Switch faults of the simulated cloud and set its capacity: what administrators do, each with an audit event.

The portal stores no faults: the cloud knows them. The audit event is written before the cloud is called, in one
transaction that is rolled back when the cloud refuses, so no fault is ever active without an event.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit.actions import AuditAction
from accounts.audit.trail import Actor, record
from accounts.refusals import Refused
from jobs.events.audit_actions import JobsAuditAction
from jobs.models import Cluster, CoreType
from jobs.providers import registry
from jobs.providers.base import OrderRefused, ProviderBusy, UnreadableAnswer
from jobs.providers.fault_injection import (
    NEXT_CLUSTER,
    CoreCount,
    FaultInjectingProvider,
    FaultOverview,
    FaultRule,
    FaultScope,
)
from jobs.states import Observed

MAX_SECONDS = 86_400
MAX_CORES = 1_000_000
NODE_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
Answer = TypeVar("Answer")


class FaultRefusal(StrEnum):
    """Why a fault or a capacity is refused. The REST API returns the value as `reason`: never change one."""

    UNKNOWN_FAULT = "unknown_fault"
    FAULT_NOT_HERE = "fault_not_here"
    BAD_SECONDS = "bad_seconds"
    CORE_TYPE_UNKNOWN = "core_type_unknown"
    BAD_CORES = "bad_cores"
    NOT_ABOUT_NODES = "not_about_nodes"
    BAD_NODE = "bad_node"
    NO_SUCH_CLUSTER = "no_such_cluster"
    NO_SUCH_NODE = "no_such_node"
    PROVIDER_WITHOUT_FAULTS = "provider_without_faults"
    PROVIDER_UNREACHABLE = "provider_unreachable"


def find_cloud() -> FaultInjectingProvider | None:
    """Return the portal's provider if its cloud can be broken, else None."""
    found = registry.provider_named(registry.DEFAULT)
    return found if isinstance(found, FaultInjectingProvider) else None


def fault_overview() -> FaultOverview:
    """Return the kinds of fault and the active ones.

    Raises Refused: `provider_without_faults` (409), `provider_unreachable` (503).
    """
    return _call(_provider().fault_overview)


def core_counts() -> Sequence[CoreCount]:
    """Return how many cores of each core type there are. Raises Refused like `fault_overview`."""
    codes = list(CoreType.objects.values_list("code", flat=True))
    provider = _provider()
    found = {count.core_type: count for count in _call(lambda: provider.core_counts(codes))}
    return [found[code] for code in codes if code in found]


def clusters() -> Sequence[Cluster]:
    """Return the clusters that a fault can be limited to: those not released yet, newest first."""
    there = Cluster.objects.exclude(observed_state=Observed.RELEASED)
    return list(there.select_related("job__owner").order_by("-created_at")[:200])


def switch_on(actor: Actor, rule: FaultRule) -> FaultOverview:
    """Switch a fault on. Raises Refused with the field at fault, or like `fault_overview`."""
    provider = _provider()
    kind = _call(provider.fault_overview).kind(rule.name)
    if kind is None:
        raise Refused(FaultRefusal.UNKNOWN_FAULT, _("Choose one of the faults."), "name")
    if kind.missing:
        raise Refused(FaultRefusal.FAULT_NOT_HERE, kind.missing, "name", status=409)
    _check_scope(rule, allows_node=kind.scope == FaultScope.NODE)
    if rule.seconds is not None and not 0 <= rule.seconds <= MAX_SECONDS:
        text = _("Seconds are a number from 0 to %(most)s.") % {"most": MAX_SECONDS}
        raise Refused(FaultRefusal.BAD_SECONDS, text, "seconds")
    with _recorded(actor, JobsAuditAction.FAULT_SWITCHED_ON, rule):
        return _call(lambda: provider.switch_fault(rule, on=True))


def switch_off(actor: Actor, rule: FaultRule) -> FaultOverview:
    """Switch off the fault with this name, cluster and node. It is no error if it is off already."""
    provider = _provider()
    if _call(provider.fault_overview).kind(rule.name) is None:
        raise Refused(FaultRefusal.UNKNOWN_FAULT, _("Choose one of the faults."), "name")
    with _recorded(actor, JobsAuditAction.FAULT_SWITCHED_OFF, rule):
        return _call(lambda: provider.switch_fault(rule, on=False))


def set_cores(actor: Actor, core_type: str, cores: int | None) -> None:
    """Set how many cores of a core type the cloud has; None restores the default. Running nodes are not affected."""
    provider = _provider()
    if not CoreType.objects.filter(code=core_type).exists():
        raise Refused(FaultRefusal.CORE_TYPE_UNKNOWN, _("There is no such core type."), "core_type")
    if cores is not None and not 0 <= cores <= MAX_CORES:
        text = _("Cores are a whole number from 0 to %(most)s.") % {"most": MAX_CORES}
        raise Refused(FaultRefusal.BAD_CORES, text, "cores")
    before = next((count.cores for count in core_counts() if count.core_type == core_type), None)
    with transaction.atomic():
        record(
            actor,
            JobsAuditAction.CAPACITY_CHANGED,
            "core_type",
            core_type,
            before={"cores": before},
            after={"cores": cores},
        )
        _call(lambda: provider.set_cores(core_type, cores))


def _check_scope(rule: FaultRule, *, allows_node: bool) -> None:
    if rule.node and not allows_node:
        raise Refused(
            FaultRefusal.NOT_ABOUT_NODES,
            _("This fault is not about single nodes; leave the node out."),
            "node",
        )
    if rule.node and NODE_NAME.fullmatch(rule.node) is None:
        raise Refused(FaultRefusal.BAD_NODE, _("A node is named like head or compute-1."), "node")
    if rule.cluster in ("", NEXT_CLUSTER):
        return
    cluster = Cluster.objects.filter(pk=rule.cluster).first()
    if cluster is None or cluster.observed_state == Observed.RELEASED:
        raise Refused(FaultRefusal.NO_SUCH_CLUSTER, _("There is no such cluster (any more)."), "cluster")
    names = list(cluster.nodes.values_list("name", flat=True))
    if rule.node and names and rule.node not in names:
        text = _("%(cluster)s has no node %(node)s; it has: %(names)s.")
        names_by_field = {"cluster": cluster.handle, "node": rule.node, "names": ", ".join(names)}
        raise Refused(FaultRefusal.NO_SUCH_NODE, text % names_by_field, "node")


def _provider() -> FaultInjectingProvider:
    found = find_cloud()
    if found is None:
        text = _("The clusters of this portal are real: there are no faults to switch.")
        raise Refused(FaultRefusal.PROVIDER_WITHOUT_FAULTS, text, status=409)
    return found


def _call(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except (ProviderBusy, UnreadableAnswer) as error:
        raise Refused(FaultRefusal.PROVIDER_UNREACHABLE, error.message, status=503) from error
    except OrderRefused as error:
        raise Refused(error.reason, error.message, status=409) from error


@contextmanager
def _recorded(actor: Actor, action: AuditAction, rule: FaultRule) -> Iterator[None]:
    where = {"cluster": rule.cluster, "node": rule.node, "seconds": rule.seconds}
    owned = (
        Cluster.objects.filter(pk=rule.cluster).select_related("job__owner").first() if rule.cluster else None
    )
    with transaction.atomic():
        after = {key: value for key, value in where.items() if value not in ("", None)}
        record(actor, action, "fault", rule.name, owner=owned.job.owner if owned else None, after=after)
        yield
