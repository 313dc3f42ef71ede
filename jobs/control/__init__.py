"""The loop: `reconcile` decides (pure), `steps` maps each decision to a function, `controller` makes one claimed pass.

Every write names the claim; any step may run again after a crash. The command is never started a second time.
"""
