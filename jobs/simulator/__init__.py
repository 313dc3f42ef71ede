"""A cloud that does not exist: real nodes on this machine, ordered over an HTTP API and reached over SSH.

A program of its own: it imports `jobs.node_contract` and nothing else of Headnode, and never Django.
Imports between its rooms go down only: __main__, api, cloud, faults, boot, ssh_server, sandbox, node_runtime, settings,
store, spec.
"""
