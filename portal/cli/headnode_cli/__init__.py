"""The command line of Headnode.

Modules are imported where they are used, not before: `headnode --help` must not wait for an HTTP client. It is the one
place of Headnode where that is right.
"""

__version__ = "0.1.0"
