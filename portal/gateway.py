"""A gateway process: it holds the shells of terminals, and nothing else. Restarting web does not touch them.

`python -m portal.gateway` is the gateway HEADNODE_GATEWAY_NAME. It takes the connections that web passes to it in
HEADNODE_GATEWAY_SOCKETS, and listens on HEADNODE_GATEWAY_PORT if that is set: for a proxy, and for health checks.
"""

import os
import sys

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from portal import serving  # noqa: E402  (settings exist only now)
from portal.checks import settings_check  # noqa: E402
from sshgateway.process import gateway  # noqa: E402


def main() -> int:
    """Serve until TERM; then every shell ends, and its browser is told."""
    wrong = [message for message in settings_check(None) if message.is_serious()]
    for message in wrong:
        print(f"{message.msg} {message.hint} ({message.id})", file=sys.stderr)
    if wrong:
        return 1
    name, port = settings.HEADNODE_GATEWAY_NAME, settings.HEADNODE_GATEWAY_PORT
    if name not in settings.HEADNODE_GATEWAYS or not (port or settings.HEADNODE_GATEWAY_SOCKETS):
        print(
            "Set HEADNODE_GATEWAY_NAME to one of HEADNODE_GATEWAYS, and HEADNODE_GATEWAY_SOCKETS or "
            "HEADNODE_GATEWAY_PORT, so that somebody can reach this gateway.",
            file=sys.stderr,
        )
        return 1
    # The database works in a thread: a keystroke must not wait the usual 5 ms until it lets the interpreter go.
    sys.setswitchinterval(0.0005)
    config = serving.config("portal.gateway_asgi:application", host=settings.HEADNODE_GATEWAY_HOST, port=port)
    serving.load(config)
    serving.Server(config, gateway.say_goodbye).run(sockets=None if port else [])
    return 0


if __name__ == "__main__":
    sys.exit(main())
