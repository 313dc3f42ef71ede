"""Run as `python -m headnode_cli`."""

from .main import main

main()
