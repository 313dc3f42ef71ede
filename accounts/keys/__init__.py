"""SSH public keys: parsing, the administrator's key policy, and whether a saved key or rule grants access now.

Never stores, logs or repeats a private key.
"""
