#!/usr/bin/env python
"""Django's command line for Headnode.

Beside a portal that `make run` started it works on that portal: it reads the settings from HEADNODE_VAR
(default ./var).
"""

import os
import sys

from django.core.management import execute_from_command_line

from portal.embedded import instance

if __name__ == "__main__":
    instance.adopt(os.environ)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    execute_from_command_line(sys.argv)
