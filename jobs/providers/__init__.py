"""Clouds behind one small interface: `base` declares it, and each kind of cloud has a module.

A provider orders, observes and releases nodes and pushes access to them. It never decides when.
"""
