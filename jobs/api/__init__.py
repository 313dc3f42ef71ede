"""The REST API of jobs, clusters, machines, files and terminals, one module per resource.

Field names, paths and answers follow Rescale's API where it has the resource. A view finds what the user may see and
calls a function of a lower room; the API decides nothing itself.
"""
