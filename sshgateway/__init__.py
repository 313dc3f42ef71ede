"""SSH itself: authorities and certificates, pinned connections, and terminal sessions to a given target.

This app knows no job. Its caller decides who may go where and hands over a finished `Target`; the app opens the
connection, keeps it, ends it, and records what happened in its own rows. It trusts no host key that it was not given.
"""
