"""The command line, a package of its own: `pyproject.toml` here makes the wheel that the portal serves at /cli/.

It runs on other people's computers: it imports the standard library, what its pyproject.toml names, and itself.
"""
