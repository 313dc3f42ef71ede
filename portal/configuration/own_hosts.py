"""The hosts under which the portal is reached by its own parts. Pure."""

from urllib.parse import urlsplit

from portal.configuration.network_kinds import bracketed
from portal.configuration.setting import Values
from portal.configuration.wildcard import is_wildcard

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def own_hosts(values: Values) -> set[str]:
    """Return the hosts that health checks (loopback, HEADNODE_HOST) and nodes (HEADNODE_BROKER_URL) use."""
    hosts = {*LOOPBACK, bracketed(urlsplit(values["HEADNODE_BROKER_URL"]).hostname or "localhost")}
    if not is_wildcard(values["HEADNODE_HOST"]):
        hosts.add(bracketed(values["HEADNODE_HOST"]).lower())
    return hosts
