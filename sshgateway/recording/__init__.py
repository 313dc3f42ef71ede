"""Recordings of terminals: what is printed and the size, never what is typed (docs/design/recording.md)."""
