"""One shell with the people who watch it: frames, flow control, roles, idle time and the end.

Knows no websocket and no database row.
"""
