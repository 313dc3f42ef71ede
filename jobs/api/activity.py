"""The activity of a cluster as JSON."""

from rest_framework import serializers

from accounts.rest.camel_case import CamelSerializer
from jobs.lifetime.idle import Source


class SightingSerializer(CamelSerializer):
    """The last activity of one source."""

    source = serializers.ChoiceField(choices=[source.value for source in Source])  # type: ignore[assignment]  # rest_framework names an attribute so
    at = serializers.DateTimeField()
    detail = serializers.CharField(allow_blank=True)


class ActivitySerializer(CamelSerializer):
    """When the cluster was last used, and what each source shows."""

    last_at = serializers.DateTimeField()
    looked_at = serializers.DateTimeField(allow_null=True, help_text="When the nodes were last asked.")
    idle_limit_minutes = serializers.FloatField(
        allow_null=True, help_text="The idle limit that holds; null: none."
    )
    ends_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When the cluster ends if nothing happens until then; null: not for being idle.",
    )
    sources = SightingSerializer(many=True)
