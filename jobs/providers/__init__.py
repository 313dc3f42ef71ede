"""Clouds, behind one small interface: `base.py`, then one file per kind."""
