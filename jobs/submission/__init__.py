"""What a user may ask of a job: save, change, submit, stop and delete it.

Every action is one transaction with its audit event. Nothing else writes a job's row on a user's behalf, and nothing
here calls a provider or a node.
"""
