"""Commands of `manage.py` for administrators.

They call the same functions as the pages and have no rules of their own.
"""
