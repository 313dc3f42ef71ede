"""What the gateway tells whoever is above it."""

from django.dispatch import Signal

# A node showed a host key that is not a pinned one. Arguments: `session` (the terminal session that led
# there) and `error` (transport.HostKeyChanged).
host_key_changed = Signal()

# An authority got a new key, which nodes and people have to hear of. Argument: `kind`.
authority_rotated = Signal()
