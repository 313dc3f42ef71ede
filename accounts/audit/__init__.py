"""The audit trail: who did what, appended and never changed, each event chained to the one before by its hash.

The apps above register the actions that they record; this room imports none of them.
"""
