"""The portal app: composition only, no models."""

from django.apps import AppConfig
from django.core.checks import register

from portal.checks import settings_check


class PortalConfig(AppConfig):
    """Registers the checks that turn a wrong setting into a sentence."""

    name = "portal"

    def ready(self) -> None:
        register(settings_check)
