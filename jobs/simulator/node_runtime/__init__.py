"""The programs of a cluster: the launcher, which starts nodes, and the agent, which runs as process 1 inside each.

Standard library only, Python 3.9 or later, and nothing of the other rooms: the agent runs from compiled copies of the
modules in `sandbox.agent_install.AGENT_MODULES`. A booting node waits for these imports, so they are kept few.
"""
