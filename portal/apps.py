"""The portal app: it puts the other apps together and has no models."""

from django.apps import AppConfig
from django.core.checks import register

from portal.checks import settings_check


class PortalConfig(AppConfig):
    """Register the checks of settings."""

    name = "portal"

    def ready(self) -> None:
        """Register the checks once the apps are loaded."""
        register(settings_check)
