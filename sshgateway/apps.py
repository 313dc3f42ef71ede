"""The sshgateway app."""

from django.apps import AppConfig


class SSHGatewayConfig(AppConfig):
    """Authorities, connections and terminal sessions."""

    name = "sshgateway"
    verbose_name = "SSH gateway"
