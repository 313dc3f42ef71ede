"""The clusters of this cloud, their nodes, and what watches over them.

The only room that knows all the others; every verb of `Cloud` may be repeated without harm.
"""
