"""The mark on this portal's orders: what it says is there under another mark is not ours to judge."""

from django.conf import settings

from jobs.models import PortalMark


def own_portal_id() -> str:
    """This portal's mark: the administrator's word, else a random one that the database keeps."""
    if settings.HEADNODE_PORTAL_ID:
        return str(settings.HEADNODE_PORTAL_ID)
    return PortalMark.objects.get_or_create(pk=1)[0].mark
