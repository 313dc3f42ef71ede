"""A gateway process: it holds the shells of terminals and nothing else, so that restarting web does not end them.

`python -m portal.gateway` runs the gateway HEADNODE_GATEWAY_NAME. It accepts the connections that web hands over in
HEADNODE_GATEWAY_SOCKETS, and listens on HEADNODE_GATEWAY_PORT if that is set, for a proxy and for health checks.
"""

import os
import sys

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from portal import serving  # noqa: E402  (settings exist only now)
from portal.checks import report_at_start  # noqa: E402
from sshgateway.process import gateway  # noqa: E402


def main() -> int:
    """Serve until SIGTERM; then end every shell and tell its browser why. Return the exit status."""
    if not report_at_start(sys.stderr):
        return 1
    name, port = settings.HEADNODE_GATEWAY_NAME, settings.HEADNODE_GATEWAY_PORT
    if name not in settings.HEADNODE_GATEWAYS or not (port or settings.HEADNODE_GATEWAY_SOCKETS):
        print(
            "Set HEADNODE_GATEWAY_NAME to one of HEADNODE_GATEWAYS, and HEADNODE_GATEWAY_SOCKETS or "
            "HEADNODE_GATEWAY_PORT, so that somebody can reach this gateway.",
            file=sys.stderr,
        )
        return 1
    # Database calls run in a thread: a keystroke must not wait the default 5 ms until it releases the interpreter.
    sys.setswitchinterval(0.0005)
    config = serving.config("portal.gateway_asgi:application", host=settings.HEADNODE_GATEWAY_HOST, port=port)
    serving.preload(config)
    serving.Server(config, gateway.end_all_sessions).run(sockets=None if port else [])
    return 0


if __name__ == "__main__":
    sys.exit(main())
