"""Clusters, their members and the problems of a definition, as JSON."""

from datetime import timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.rest.camel_case import CamelSerializer
from jobs.api.cost_fields import CostSerializer
from jobs.context.context_plan import Member
from jobs.definitions.cluster_history import ClusterRow
from jobs.definitions.launching import CheckedDefinition
from jobs.models import Cluster, Node


class ProblemSerializer(CamelSerializer):
    """One problem of a definition."""

    line = serializers.IntegerField(
        allow_null=True, help_text="Counted from 1; null if it is about the whole definition."
    )
    key = serializers.CharField(help_text="`members[1].core_type`, counted from 0; may be empty.")
    message = serializers.CharField()


class DefinitionRefusedSerializer(CamelSerializer):
    """All problems of a definition."""

    definition = serializers.ListField(child=serializers.CharField(), help_text="The problems as sentences.")
    problems = ProblemSerializer(many=True)
    reason = serializers.CharField(help_text="`definition_invalid`")


class DefinitionBody(CamelSerializer):
    """A definition in JSON."""

    definition = serializers.CharField(trim_whitespace=False)


class MemberSerializer(CamelSerializer):
    """A node that the definition asks for."""

    name = serializers.CharField()
    role = serializers.CharField(help_text="`head` or `compute`")
    core_type = serializers.CharField()
    cores = serializers.IntegerField()
    provides = serializers.ListField(child=serializers.CharField())
    requires = serializers.ListField(child=serializers.CharField())


class CheckedSerializer(CamelSerializer):
    """What a valid definition would launch."""

    name = serializers.CharField(source="definition.name")
    hours = serializers.FloatField(source="definition.hours")
    command = serializers.CharField(source="definition.command")
    members = MemberSerializer(many=True, source="definition.plan.members")
    nodes = serializers.SerializerMethodField()
    cores = serializers.IntegerField(source="definition.cores")
    rate_per_hour = serializers.FloatField(source="price_per_hour")
    currency = serializers.CharField()

    def get_nodes(self, checked: CheckedDefinition) -> int:
        return len(checked.definition.plan.members)


class ClusterSerializer(CamelSerializer):
    """A cluster in the list."""

    id = serializers.CharField(source="cluster.pk")
    handle = serializers.CharField()
    job_id = serializers.CharField(source="job.pk")
    name = serializers.CharField()
    status = serializers.CharField(help_text="As in cluster_statuses/.")
    failure = serializers.CharField(help_text="Why the cluster failed; empty unless it did.")
    core_types = serializers.ListField(child=serializers.CharField())
    nodes = serializers.IntegerField()
    cores = serializers.IntegerField(help_text="The cores of all nodes together.")
    hours = serializers.SerializerMethodField()
    rate_per_hour = serializers.FloatField(source="price_per_hour", help_text="While all nodes are up.")
    currency = serializers.CharField()
    cost = CostSerializer(help_text="As at the job's cost/, now.")
    launched_at = serializers.DateTimeField()
    ready_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    deadline = serializers.DateTimeField(allow_null=True, help_text="When it ends at the latest.")
    outcome = serializers.CharField(help_text="As of the job; empty before it has ended.")
    outcome_reason = serializers.CharField()
    from_definition = serializers.BooleanField()

    @extend_schema_field(OpenApiTypes.FLOAT)
    def get_hours(self, row: ClusterRow) -> float:
        return row.hours / timedelta(hours=1)


class OneClusterSerializer(ClusterSerializer):
    """A cluster with its members, and the definition it was launched from."""

    members = serializers.SerializerMethodField()
    definition = serializers.SerializerMethodField(
        help_text="The text as it was sent; null for a cluster that a job ordered."
    )

    @extend_schema_field(MemberSerializer(many=True))
    def get_members(self, row: ClusterRow) -> Any:
        return MemberSerializer(_members(row.cluster), many=True).data

    def get_definition(self, row: ClusterRow) -> str | None:
        return row.cluster.definition.text if row.from_definition else None


def _members(cluster: Cluster) -> list[Member]:
    """Return the members in their order; of a job without a definition its nodes, once they are ordered."""
    planned = {member["name"]: member for member in cluster.plan.get("members", [])}
    return [
        Member(
            node.name,
            node.role,
            node.core_type_id,
            node.cores,
            tuple(planned.get(node.name, {}).get("provides", ())),
            tuple(planned.get(node.name, {}).get("requires", ())),
        )
        for node in Node.objects.filter(cluster=cluster).defer("report_log")
    ]
