"""The web process: pages, API, websockets and the broker, on uvicorn.

Terminals are held by a gateway process (`portal.gateway`) if settings.HEADNODE_GATEWAYS names one, else by this one.

`python -m portal.web` listens on HEADNODE_HOST and HEADNODE_PORT; `python -m portal.web FD` listens on an inherited
socket. A wrong setting is reported in a sentence, and nothing is started.
"""

import os
import socket
import sys

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from accounts.models import User  # noqa: E402  (models exist only now)
from accounts.users.single_user import remember_single_user  # noqa: E402
from jobs.providers.isolation import remember_isolation  # noqa: E402
from portal import serving  # noqa: E402
from portal.checks import report_at_start  # noqa: E402
from sshgateway.process import gateway  # noqa: E402


def main() -> int:
    """Serve until SIGTERM; open connections get two seconds. Return the exit status."""
    if not report_at_start(sys.stderr):
        return 1
    if settings.HEADNODE_SINGLE_PERSON:
        remember_single_user(True)  # for every process, and for when nothing runs
    elif User.too_many_here():
        remember_isolation()  # what an earlier run learned may no longer hold
    if User.too_many_here():
        print(
            "Without a sandbox only one person may use this portal, and several have accounts. "
            "Install bubblewrap and start Headnode again.",
            file=sys.stderr,
        )
        return 1
    inherited = [socket.socket(fileno=int(sys.argv[1]))] if len(sys.argv) > 1 else None
    config = serving.config(
        "portal.asgi:application", host=settings.HEADNODE_HOST, port=settings.HEADNODE_PORT
    )
    serving.preload(config)
    serving.Server(config, gateway.end_all_sessions).run(sockets=inherited)
    return 0


if __name__ == "__main__":
    sys.exit(main())
