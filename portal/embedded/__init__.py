"""The whole portal on one machine, in one command: what `make run` starts.

`python -m portal.embedded` checks what it needs (`preflight`), then starts and supervises Redis, web, worker,
beat and simulator (`processes`, `supervisor`) with one log (`log`). It holds no Django itself.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (said before anything newer is imported)
    sys.exit("Headnode needs Python 3.11 or newer, this is %d.%d." % sys.version_info[:2])  # noqa: UP031
