"""Make a started node a member of its cluster: register with the context broker, do the phases, report.

Starts no node and serves no one: it asks the node (`BootingNode`) to run scripts and to write files.
"""
