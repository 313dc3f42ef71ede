"""Who may reach which node, from where and how: visibility, the access document, targets, commands, host certificates.

This room decides; it never opens a connection and never changes keys or rules.
"""
