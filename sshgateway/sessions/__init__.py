"""Terminal sessions as rows: opening, ending, sharing, and who takes part.

Every process may call this; the shells themselves live in `sshgateway.process`.
"""
