"""The nodes of a cluster that still run, and what they cost, as JSON."""

from rest_framework import serializers

from accounts.rest.camel_case import CamelSerializer


class RunningNodeSerializer(CamelSerializer):
    """A node that is not off yet."""

    name = serializers.CharField()
    core_type = serializers.CharField()
    cores = serializers.IntegerField()
    state = serializers.CharField()
    cost_per_hour = serializers.DecimalField(max_digits=12, decimal_places=4)


class StillRunningSerializer(CamelSerializer):
    """The nodes that are not off, and what they cost together."""

    nodes = RunningNodeSerializer(many=True)
    cost_per_hour = serializers.DecimalField(max_digits=12, decimal_places=4)
    currency = serializers.CharField()
    sentence = serializers.CharField()
