"""/users/me/audit-events/"""

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView

from accounts import audit
from accounts.api.requests import person
from accounts.api.serializers import AuditEventSerializer
from accounts.models import AuditEvent


class AuditEvents(ListAPIView[AuditEvent]):
    """What you did, and what was done to what is yours, with its time, address, before and after; newest first."""

    serializer_class = AuditEventSerializer
    queryset = AuditEvent.objects.none()

    def get_queryset(self) -> QuerySet[AuditEvent]:
        return audit.visible_to(person(self.request))
