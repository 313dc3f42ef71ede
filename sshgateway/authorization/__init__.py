"""Decides who may be in a terminal session. Knows no job and no machine: the apps above register the checks."""
