"""The simulator: a cloud that does not exist, in its own process, reached over its HTTP API.

Nothing here imports Django or the rest of the project; the portal meets it only at `jobs.providers`.
"""
