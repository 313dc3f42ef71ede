"""Run the command of a job on its head node: `program` runs there, `command_runner` calls it over SSH.

Nothing that a node returns is trusted: every answer is checked and bounded.
"""
