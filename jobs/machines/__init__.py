"""Existing SSH machines: registered by administrators, used by the people named for them, through the gateway.

Never learns a host key from the network: only the keys that an administrator entered are pinned.
"""
