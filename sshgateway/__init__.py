"""SSH itself: authorities and certificates, pinned connections, terminal sessions to a given target.

This app knows no job. Whoever calls it decides who may go where and hands over a finished `Target`; the app
opens the way, keeps it, ends it, and writes what happened into its own rows. It trusts no host key it was
not given.
"""
