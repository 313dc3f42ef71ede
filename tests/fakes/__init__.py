"""Test doubles, named by how they fail."""
