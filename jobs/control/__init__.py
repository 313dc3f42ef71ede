"""The loop: `controller` makes one claimed pass, `decisions` chooses the next step (pure), `steps` maps it to a
function.

Why a cluster ended is a limit of `lifetime.deadline`, an end its command was told (`cluster_end_reasons`), or a failure
that `decisions` states; `checkpoint` saves each with the status rows.

Every write names the claim; any step may run again after a crash. The command is never started a second time.
"""
