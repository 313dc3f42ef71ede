"""Files: uploads, input files copied to head nodes, output files collected from them.

What a node announces is bounded before it is read. Nothing here runs commands on a node.
"""
