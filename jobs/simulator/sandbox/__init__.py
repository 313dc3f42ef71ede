"""Separate a node's programs from the machine: protections, launchers, agents' clients, users and limits.

Knows neither SSH nor clusters.
"""
