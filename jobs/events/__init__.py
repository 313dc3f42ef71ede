"""What happened: the Job Log, dated statuses, audit actions, cluster handles, and wakeups of the loop.

Appends and notifies; decides nothing. A lost message only delays: the rows are authoritative.
"""
