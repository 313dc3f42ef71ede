"""The files of a job in one tree at every time: its inputs before the run, the node's folder during it, storage after.

`job_folder.opened` decides which it is and checks access; the rest of this room works on what it returns.
"""
