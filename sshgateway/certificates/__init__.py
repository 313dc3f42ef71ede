"""The portal's certificate authorities: signs short-lived certificates, rotates and seals the keys.

Only this package uses the authorities' private keys, and no other ever sees one in clear.
"""
