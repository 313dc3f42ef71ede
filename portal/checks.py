"""System checks of settings: each says what is wrong with a value and how to correct it."""

import ipaddress
import os
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

from accounts.keys.key_blob import RSA_LONGEST_BITS, RSA_SHORTEST_BITS
from accounts.keys.key_refusals import ACCEPTED_TYPES
from sshgateway.ssh import known_hosts

SOCKET_PATH_LIMIT = 107
SECRET_LENGTH = 32


def settings_check(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return a message for each wrong setting."""
    return [*_secret(), *_addresses(), *_services(), *_limits()]


def _secret() -> Iterator[CheckMessage]:
    make_one = 'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(64))"'
    if settings.DEMO:
        return
    if settings.SECRET_KEY == settings.INSECURE_SECRET_KEY:
        yield checks.Error(
            "HEADNODE_SECRET_KEY is not set, and this is not a demo.", hint=make_one, id="portal.E001"
        )
    elif len(settings.SECRET_KEY) < SECRET_LENGTH:
        yield checks.Error(
            f"HEADNODE_SECRET_KEY is shorter than {SECRET_LENGTH} characters.",
            hint=make_one,
            id="portal.E002",
        )
    if not settings.HTTPS:
        yield checks.Warning(
            "HEADNODE_HTTPS is off: passwords and sessions travel unencrypted.",
            hint="Put a TLS proxy in front, name it in HEADNODE_TRUSTED_PROXIES and set HEADNODE_HTTPS=1.",
            id="portal.W001",
        )


def _addresses() -> Iterator[CheckMessage]:
    networks = "Write networks separated by commas, for example 10.0.0.0/8,192.0.2.7."
    for name in ("HEADNODE_TRUSTED_PROXIES", "HEADNODE_METRICS_ADDRESSES"):
        for text in getattr(settings, name):
            if not _is_network(text):
                yield checks.Error(
                    f"{name} holds {text!r}, which is not a network.", hint=networks, id="portal.E003"
                )
    for text in settings.HEADNODE_TRUSTED_PROXIES:
        if _is_network(text) and ipaddress.ip_network(text, strict=False).prefixlen == 0:
            yield checks.Error(
                "HEADNODE_TRUSTED_PROXIES holds every address, so any client could claim any source address.",
                hint="Name your proxy's own address.",
                id="portal.E004",
            )
    for text in settings.HEADNODE_GATEWAY_ADDRESSES:
        if not _is_network(text) or "/" in text:
            yield checks.Error(
                f"HEADNODE_GATEWAY_ADDRESSES holds {text!r}, which is not an address.",
                hint="Write the addresses the portal's connections come from, for example 127.0.0.1.",
                id="portal.E005",
            )
    try:
        known_hosts.patterns(settings.HEADNODE_NAME, settings.HEADNODE_NODE_NETWORKS)
    except ValueError as error:
        yield checks.Error(
            f"HEADNODE_NODE_NETWORKS: {error}",
            hint="Write the networks nodes have their addresses in, for example 10.20.0.0/16.",
            id="portal.E020",
        )
    if "*" in settings.ALLOWED_HOSTS and not settings.DEMO:
        yield checks.Warning(
            "HEADNODE_ALLOWED_HOSTS allows every name.",
            hint="Name the hosts people use, for example headnode.example.org.",
            id="portal.W002",
        )


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _services() -> Iterator[CheckMessage]:
    for name, schemes in (
        ("REDIS_URL", ("redis", "rediss", "unix")),
        ("HEADNODE_SIMULATOR_URL", ("http", "https", "unix")),
        ("HEADNODE_BROKER_URL", ("http", "https")),
    ):
        url = urlsplit(getattr(settings, name))
        if url.scheme not in schemes:
            yield checks.Error(
                f"{name} does not start with {' or '.join(f'{scheme}:' for scheme in schemes)}",
                hint=f"docs/operating.md has an example of {name}.",
                id="portal.E006",
            )
        elif url.scheme == "unix" and len(os.fsencode(url.path)) > SOCKET_PATH_LIMIT:
            yield checks.Error(
                f"The path in {name} has more than {SOCKET_PATH_LIMIT} bytes; the limit for unix sockets.",
                hint="Choose a shorter path.",
                id="portal.E007",
            )


def _limits() -> Iterator[CheckMessage]:
    if timedelta(hours=1) > settings.HEADNODE_LONGEST_LIFE:
        yield checks.Error(
            "HEADNODE_LONGEST_LIFE_HOURS is less than 1.",
            hint="It is the maximum for every cluster. Choose more than the longest walltime, for example 96.",
            id="portal.E021",
        )
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,64}", settings.HEADNODE_PORTAL_ID):
        yield checks.Error(
            f"HEADNODE_PORTAL_ID={settings.HEADNODE_PORTAL_ID!r} is not a valid portal id.",
            hint="Use at most 64 letters, digits, dots, hyphens and underscores, or leave it unset.",
            id="portal.E022",
        )
    # The prefix and the six letters of a job id form a Linux user name, which may have 32 bytes at most.
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,24}", settings.HEADNODE_JOB_USER_PREFIX):
        yield checks.Error(
            f"HEADNODE_JOB_USER_PREFIX={settings.HEADNODE_JOB_USER_PREFIX!r} cannot start a user name.",
            hint="Use at most 25 of a-z, 0-9, _ and -, starting with a letter or _.",
            id="portal.E008",
        )
    unknown = sorted(set(settings.HEADNODE_KEY_TYPES) - set(ACCEPTED_TYPES))
    if unknown or not settings.HEADNODE_KEY_TYPES:
        yield checks.Error(
            f"HEADNODE_KEY_TYPES holds no known key type: {', '.join(unknown) or 'it is empty'}.",
            hint=f"Choose from {', '.join(ACCEPTED_TYPES)}.",
            id="portal.E010",
        )
    if not RSA_SHORTEST_BITS <= settings.HEADNODE_RSA_MIN_BITS <= RSA_LONGEST_BITS:
        yield checks.Error(
            f"HEADNODE_RSA_MIN_BITS={settings.HEADNODE_RSA_MIN_BITS} is not a possible length.",
            hint=f"Choose {RSA_SHORTEST_BITS} to {RSA_LONGEST_BITS}, for example 3072.",
            id="portal.E011",
        )
    for name in settings.HEADNODE_GATEWAYS:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
            yield checks.Error(
                f"HEADNODE_GATEWAYS holds {name!r}, which cannot be part of a URL.",
                hint="Name gateways with at most 40 of A-Z, a-z, 0-9, _ and -, for example g1,g2.",
                id="portal.E030",
            )
    if settings.HEADNODE_RECORDING_DAYS < 0:
        yield checks.Error(
            "HEADNODE_RECORDING_DAYS is less than 0.",
            hint="Write how many days recordings are kept, or 0 to keep them forever.",
            id="portal.E031",
        )
    positive = (
        "HEADNODE_MAX_SLOTS",
        "HEADNODE_MAX_JOB_HOURS",
        "HEADNODE_RECORDING_MAX_MB",
        "HEADNODE_LEFTOVER_EVERY_SECONDS",
    )
    for name in positive:
        if getattr(settings, name) < 1:
            yield checks.Error(
                f"{name} is less than 1.", hint="Leave it unset for the default.", id="portal.E009"
            )
