"""The pages about jobs, clusters, machines and terminals.

A view looks up what the signed-in user may see, calls a function of a lower room, and renders a template. Views never
save a row and decide nothing: every rule is in a room below.
"""
