"""SSH connections to pinned hosts, for workers (blocking) and for the gateway (on its event loop).

The only room that imports paramiko. It trusts no host key that it was not given, issues no certificate, and knows
neither the database nor terminals.
"""
