"""Signals that tell the apps above what happened in the gateway."""

from django.dispatch import Signal

# A node showed a host key that is not pinned. Arguments: `session` (the terminal session that was connecting) and
# `error` (ssh.errors.HostKeyChanged).
host_key_changed = Signal()

# An authority got a new key, which nodes and people have to learn of. Argument: `kind`.
authority_rotated = Signal()
