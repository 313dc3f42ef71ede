"""When a cluster ends and why: its deadline, extensions of it, and clusters at a provider that no job needs.

`deadline` decides (pure); only `deadline_store` writes the deadline fields of a row.
"""
