"""Breaking the simulated cloud on purpose, and saying how large it is: what administrators do, each with its record.

Nothing of it is kept here: the cloud itself knows. The audit event is written before the cloud is told, in one
transaction that is undone when the cloud refuses: a fault that is on was always recorded.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit.trail import Actor, record
from accounts.refusals import Refused
from jobs.models import Cluster, CoreType
from jobs.providers import registry
from jobs.providers.base import OrderRefused, ProviderBusy
from jobs.providers.fault_injection import NEXT, CoreCount, FaultBoard, FaultInjectingProvider, FaultRule
from jobs.states import Observed

MOST_SECONDS = 86_400
MOST_CORES = 1_000_000
NODE_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
Answer = TypeVar("Answer")


def cloud() -> FaultInjectingProvider | None:
    """The portal's cloud, if it is one that can be broken."""
    found = registry.provider(registry.DEFAULT)
    return found if isinstance(found, FaultInjectingProvider) else None


def board() -> FaultBoard:
    """The faults there are and those that are on. Raises Refused: `provider_without_faults`, `provider_unreachable`."""
    return _ask(_cloud().fault_board)


def core_counts() -> Sequence[CoreCount]:
    """How many cores of each core type there are. Raises Refused like `board`."""
    codes = list(CoreType.objects.values_list("code", flat=True))
    provider = _cloud()
    found = {count.core_type: count for count in _ask(lambda: provider.core_counts(codes))}
    return [found[code] for code in codes if code in found]


def clusters() -> Sequence[Cluster]:
    """Those that can have a fault of their own: not released yet, the newest first."""
    there = Cluster.objects.exclude(observed_state=Observed.RELEASED)
    return list(there.select_related("job__owner").order_by("-created_at")[:200])


def switch_on(actor: Actor, rule: FaultRule) -> FaultBoard:
    """Switch a fault on. Raises Refused with the field at fault, or like `board`."""
    provider = _cloud()
    kind = _ask(provider.fault_board).kind(rule.name)
    if kind is None:
        raise Refused("unknown_fault", _("Choose one of the faults."), "name")
    if kind.missing:
        raise Refused("fault_not_here", kind.missing, "name", status=409)
    _check_place(rule, about_nodes=kind.of == "node")
    if rule.seconds is not None and not 0 <= rule.seconds <= MOST_SECONDS:
        text = _("Seconds are a number from 0 to %(most)s.") % {"most": MOST_SECONDS}
        raise Refused("bad_seconds", text, "seconds")
    with _recorded(actor, "jobs:fault:switched_on", rule):
        return _ask(lambda: provider.switch_fault(rule, on=True))


def switch_off(actor: Actor, rule: FaultRule) -> FaultBoard:
    """Switch off the fault with this name, cluster and node. One that is off already is no error."""
    provider = _cloud()
    if _ask(provider.fault_board).kind(rule.name) is None:
        raise Refused("unknown_fault", _("Choose one of the faults."), "name")
    with _recorded(actor, "jobs:fault:switched_off", rule):
        return _ask(lambda: provider.switch_fault(rule, on=False))


def set_cores(actor: Actor, core_type: str, cores: int | None) -> None:
    """Say how many cores of a core type the cloud has; None: as many as it had by itself. What runs goes on."""
    provider = _cloud()
    if not CoreType.objects.filter(code=core_type).exists():
        raise Refused("core_type_unknown", _("There is no such core type."), "core_type")
    if cores is not None and not 0 <= cores <= MOST_CORES:
        text = _("Cores are a whole number from 0 to %(most)s.") % {"most": MOST_CORES}
        raise Refused("bad_cores", text, "cores")
    before = next((count.cores for count in core_counts() if count.core_type == core_type), None)
    with transaction.atomic():
        record(
            actor,
            "jobs:capacity:changed",
            "core_type",
            core_type,
            before={"cores": before},
            after={"cores": cores},
        )
        _ask(lambda: provider.set_cores(core_type, cores))


def _check_place(rule: FaultRule, *, about_nodes: bool) -> None:
    if rule.node and not about_nodes:
        raise Refused(
            "not_about_nodes", _("This fault is not about single nodes; leave the node out."), "node"
        )
    if rule.node and NODE_NAME.fullmatch(rule.node) is None:
        raise Refused("bad_node", _("A node is named like head or compute-1."), "node")
    if rule.cluster in ("", NEXT):
        return
    cluster = Cluster.objects.filter(pk=rule.cluster).first()
    if cluster is None or cluster.observed_state == Observed.RELEASED:
        raise Refused("no_such_cluster", _("There is no such cluster (any more)."), "cluster")
    names = list(cluster.nodes.values_list("name", flat=True))
    if rule.node and names and rule.node not in names:
        text = _("%(cluster)s has no node %(node)s; it has: %(names)s.")
        words = {"cluster": cluster.handle, "node": rule.node, "names": ", ".join(names)}
        raise Refused("no_such_node", text % words, "node")


def _cloud() -> FaultInjectingProvider:
    found = cloud()
    if found is None:
        text = _("The clusters of this portal are real: there are no faults to switch.")
        raise Refused("provider_without_faults", text, status=409)
    return found


def _ask(question: Callable[[], Answer]) -> Answer:
    try:
        return question()
    except ProviderBusy as error:
        raise Refused("provider_unreachable", error.message, status=503) from error
    except OrderRefused as error:
        raise Refused(error.reason, error.message, status=409) from error


@contextmanager
def _recorded(actor: Actor, action: str, rule: FaultRule) -> Iterator[None]:
    where = {"cluster": rule.cluster, "node": rule.node, "seconds": rule.seconds}
    owned = (
        Cluster.objects.filter(pk=rule.cluster).select_related("job__owner").first() if rule.cluster else None
    )
    with transaction.atomic():
        after = {key: value for key, value in where.items() if value not in ("", None)}
        record(actor, action, "fault", rule.name, owner=owned.job.owner if owned else None, after=after)
        yield
