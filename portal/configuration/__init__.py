"""Every environment variable of Headnode: declared once, read and checked at once, documented from the declaration.

`read` never raises for a wrong value: it returns all problems, a sentence each. Loads neither Django nor the database.
"""
