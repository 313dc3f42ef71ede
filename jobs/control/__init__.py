"""The loop: `controller` makes one claimed pass, `decisions` decides the next step (pure), `steps` maps it to a function.

Why a cluster ended: a limit in `lifetime.deadline`, an end its command was told in `command_end_reasons`, a failure that
`decisions` states; `checkpoint` saves each of them with the status rows.

Every write names the claim; any step may run again after a crash. The command is never started a second time.
"""
