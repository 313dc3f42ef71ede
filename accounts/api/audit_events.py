"""/users/me/audit-events/: the audit trail."""

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView

from accounts.api.serializers import AuditEventSerializer
from accounts.audit import trail
from accounts.models import AuditEvent
from accounts.rest.requests import person


class AuditEvents(ListAPIView[AuditEvent]):
    """What you did and what was done to your objects, with time, address, before and after. Newest first."""

    serializer_class = AuditEventSerializer
    queryset = AuditEvent.objects.none()

    def get_queryset(self) -> QuerySet[AuditEvent]:
        return trail.visible_to(person(self.request))
