"""Where a service that listens on a wildcard address is reached. Pure."""

_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared, not listened on)


def is_wildcard(host: str) -> bool:
    """Return whether this is every address of the machine."""
    return host in _REACHED_AT


def reachable_host(host: str) -> str:
    """Return the address at which this machine reaches a service that listens on `host`."""
    return _REACHED_AT.get(host, host)
