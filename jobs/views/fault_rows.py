"""What the page of the simulated cloud lists: active faults, faults to switch on, and cores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from jobs.models import Cluster, CoreType
from jobs.providers import fault_actions
from jobs.providers.fault_injection import NEXT_CLUSTER, CoreCount, FaultKind, FaultOverview, FaultRule
from jobs.providers.fault_labels import FaultLabel, label_of, rule_extent


@dataclass(frozen=True)
class ActiveFault:
    """A fault that is on. `extent` is its delay or how long it still lasts; empty if it has none."""

    rule: FaultRule
    title: Any
    where: str
    extent: str


@dataclass(frozen=True)
class FaultCard:
    """A kind of fault that can be switched on."""

    kind: FaultKind
    label: FaultLabel


@dataclass(frozen=True)
class CoreRow:
    """A core type and its cores."""

    core_type: CoreType
    count: CoreCount


def active_faults(overview: FaultOverview, clusters: Sequence[Cluster]) -> list[ActiveFault]:
    """Return a row for each fault that is on. `clusters` are those whose handles are known."""
    return [
        ActiveFault(
            rule,
            label_of(rule.name).title,
            _where(rule, clusters),
            rule_extent(overview.kind(rule.name), rule),
        )
        for rule in overview.rules
    ]


def fault_cards(overview: FaultOverview) -> list[FaultCard]:
    """Return a card for each kind of fault."""
    return [FaultCard(kind, label_of(kind.name)) for kind in overview.kinds]


def core_rows() -> list[CoreRow]:
    """Return a row for each core type. Raises Refused like `fault_actions.core_counts`."""
    types = {core_type.code: core_type for core_type in CoreType.objects.all()}
    return [CoreRow(types[count.core_type], count) for count in fault_actions.core_counts()]


def _where(rule: FaultRule, clusters: Sequence[Cluster]) -> str:
    """Return which nodes a fault covers, in words."""
    cluster = _cluster_text(rule.cluster, clusters)
    return f"{cluster}, {rule.node}" if rule.node else cluster


def _cluster_text(cluster_id: str, clusters: Sequence[Cluster]) -> str:
    if cluster_id == NEXT_CLUSTER:
        return _("the next launch")
    if not cluster_id:
        return _("every cluster")
    found = next((cluster for cluster in clusters if cluster.pk == cluster_id), None)
    return f"{found.handle} ({found.job.owner.get_username()})" if found is not None else cluster_id
