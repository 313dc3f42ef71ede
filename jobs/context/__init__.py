"""The context broker: nodes phone home here, prove who they are by a one-time token, and get what they need."""
