"""Doubles, named by how they fail."""
