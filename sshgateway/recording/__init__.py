"""Recordings of terminals: output and sizes, never input. Never makes a shell wait (docs/design/recording.md)."""
