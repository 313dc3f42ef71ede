"""Prices: what core types, jobs and running clusters cost per hour.

`rates` is the only place that does arithmetic on prices. This room reads; it never charges anybody.
"""
