"""Faults that can be switched on by name: which are on, and what they do to one node.

Knows nothing of the cloud: a node that suffers from faults is handed in (`AffectedNode`).
"""
