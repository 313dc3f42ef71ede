"""This portal's id, sent with every order. Clusters that carry another id are ignored."""

from typing import Any

from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.conf import settings

from jobs.models import PortalId


def own_portal_id() -> str:
    """Return the administrator's `HEADNODE_PORTAL_ID`, or else the random id that the database keeps. Reads only.

    Raises RuntimeError if there is neither: the database was never migrated.
    """
    if settings.HEADNODE_PORTAL_ID:
        return str(settings.HEADNODE_PORTAL_ID)
    row = PortalId.objects.filter(pk=1).first()
    if row is None:
        raise RuntimeError("This portal has no id yet: run `manage.py migrate`.")
    return row.value


def ensure_portal_id(using: str, apps: Apps = installed_apps, **_: Any) -> None:
    """Make the id that the database keeps, once. A receiver of `post_migrate`, so that reading never writes."""
    try:
        model = apps.get_model("jobs", "PortalId")
    except LookupError:
        return  # the migrations that make its table were undone
    model.objects.using(using).get_or_create(pk=1)
