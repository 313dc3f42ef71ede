"""Contract suites: the same tests against a real thing and against every fake that stands for it.

A fake proves nothing about what it stands for. Where it differs, the fake is changed, never the test.
"""
