"""Check the settings that somebody starts an embedded portal with, all at once, before any process starts."""

import os
from collections.abc import Mapping
from typing import Any

from jobs.simulator.settings import sandbox_refusal
from portal.configuration import reader
from portal.embedded.options import CannotStart

# What `make run` determines itself, for each of its processes.
DETERMINED = (
    "HEADNODE_DEMO",
    "HEADNODE_GATEWAYS",
    "HEADNODE_GATEWAY_NAME",
    "HEADNODE_GATEWAY_SOCKETS",
    "HEADNODE_SIMULATOR_LISTEN",
    "HEADNODE_SIMULATOR_TOKEN_FILE",
    "HEADNODE_SIMULATOR_URL",
    "HEADNODE_SIMULATOR_VAR",
)


def read_settings(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the settings of an environment. Raise CannotStart with a sentence for each that is wrong."""
    configuration = reader.read_configuration(without_determined(environ) | {"HEADNODE_DEMO": "1"})
    problems = list(configuration.problems)
    if refusal := sandbox_refusal(environ.get("HEADNODE_SIMULATOR_SANDBOX", "").strip(), os.geteuid() == 0):
        problems.append(refusal)
    if problems:
        raise CannotStart("\n".join(problems))
    return configuration.values


def without_determined(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the settings that `make run` determines itself."""
    return {name: text for name, text in environ.items() if name not in DETERMINED}


def notices(
    environ: Mapping[str, str], determined: Mapping[str, str], values: Mapping[str, Any]
) -> list[str]:
    """Return a sentence for each setting of the environment that has no effect, or that people will notice."""
    found = [
        f"Note: {name} is determined by `make run`; {name}={environ[name]} is not used."
        for name in DETERMINED
        if environ.get(name, "").strip() and determined.get(name) != environ[name]
    ]
    if values["HEADNODE_SSL_REDIRECT"]:
        found.append(
            "Note: pages redirect to https (HEADNODE_HTTPS): sign in through the TLS proxy in front of this portal."
        )
    if values["HEADNODE_SSL_REDIRECT"] and not values["HEADNODE_TRUSTED_PROXIES"]:
        found.append(
            "Warning: HEADNODE_TRUSTED_PROXIES is not set, so every request counts as http and is redirected without "
            "end. Set it to the address of the TLS proxy."
        )
    return found
