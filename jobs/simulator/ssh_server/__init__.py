"""A node's SSH server: who may log in, what a session may do, and how connections end.

Keeps no more than one read in memory and opens nothing itself: the node's agent opens programs and sockets inside.
"""
