"""Cluster definition files: TOML in, a checked `Definition` out, or every problem there is, each with its line.

Pure: no I/O, no Django. What may be asked for comes in as a `Catalogue`; docs/cluster-definitions.md is for people.
"""
