"""What jobs may be run on and with: core types and analyses. Administrators add, change and retire them.

Nothing that a job ever named is removed: a retired entry stays for the jobs that used it.
"""
