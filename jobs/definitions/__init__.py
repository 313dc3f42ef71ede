"""Cluster definitions: read and check a TOML file, launch a cluster from it, list the clusters of a user.

Reading is pure: text and a `Catalogue` in, a `Definition` or every problem with its line out. This room never changes
a cluster after its launch. docs/cluster-definitions.md is the user's guide.
"""
