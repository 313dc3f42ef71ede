"""What a node promises to any provider and to the portal: phases, registration, boot stream, report, access document.

Pure and standard library only: no Django, no network, no files. Both sides import it: the portal, which reads what
nodes send and writes what they are told, and every provider whose nodes keep the promise (today the simulator).
"""
