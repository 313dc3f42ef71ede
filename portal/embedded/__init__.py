"""Run the whole portal on one machine with one command, `make run`.

`python -m portal.embedded` checks its requirements (`preflight`), then starts and supervises Redis, web, gateway,
worker, beat and simulator (`processes`, `supervisor`) with one log (`log`). It never loads Django itself.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (checked before newer syntax is imported)
    sys.exit("Headnode needs Python 3.11 or newer, this is %d.%d." % sys.version_info[:2])  # noqa: UP031
