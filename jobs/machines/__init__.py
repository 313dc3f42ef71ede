"""Existing SSH machines: registered by administrators, reached by their people through the gateway.

No host key is ever learned here: what is pinned is what an administrator put in.
"""
